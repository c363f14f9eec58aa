"""What Ludwig's JSON schema leaves open, read from Ludwig 0.17's source, and what it offers but cannot work here."""

from typing import Any

type Schema = dict[str, Any]

# Values Ludwig computes itself and keeps in the same mapping as the settings.
INTERNAL = frozenset(
    {
        "computed_fill_value",
        "computed_outlier_fill_value",
        "input_size",
        "num_classes",
        "vocab",
        "str2idf",
        "skip",
    }
)
# Types that cannot work here, by the key they stand under.
_NO_SEQUENCES = "needs sequence inputs; the features here are numbers and categories"
UNAVAILABLE = {
    "combiner": {
        "comparator": "compares two groups of inputs, for recommendations",
        "tabpfn_v2": "downloads a pretrained model and needs the package tabpfn",
        "sequence": _NO_SEQUENCES,
        "sequence_concat": _NO_SEQUENCES,
    },
    "optimizer": {
        "adafactor": "fails in training with Ludwig 0.17; adamw is near it",
        "schedule_free_adamw": "fails in training with Ludwig 0.17; adamw is near it",
    },
    "input_features": {
        # Measured: first-epoch loss 5897 instead of about 1, MASE 2.6 instead of 0.99.
        "date": "feeds the raw year into the network; use a weekday category",
        "audio": "needs sound files",
        "image": "needs picture files",
        "h3": "needs places on the globe",
        **dict.fromkeys(
            ("binary", "text", "timeseries", "vector", "set", "bag", "sequence"),
            "is of no feature here; write number or category",
        ),
    },
}

_INITIALIZERS = [
    *("uniform", "normal", "constant", "ones", "zeros", "eye", "dirac", "xavier_uniform", "xavier_normal"),
    *("kaiming_uniform", "kaiming_normal", "orthogonal", "sparse", "identity"),
]
_ACTIVATIONS = [
    *(
        "elu",
        "leakyRelu",
        "logSigmoid",
        "relu",
        "sigmoid",
        "tanh",
        "softmax",
        "gelu",
        "silu",
        "swish",
        "mish",
        "selu",
    ),
    *(
        "prelu",
        "relu6",
        "hardswish",
        "hardsigmoid",
        "softplus",
        "celu",
        "swiglu",
        "geglu",
        "reglu",
        "sparsemax",
    ),
    "entmax15",
]
_REDUCERS = ["last", "sum", "mean", "avg", "max", "concat", "attention", "none"]

_NULL: Schema = {"type": "null"}
_INITIALIZER: Schema = {"oneOf": [{"type": "string", "enum": _INITIALIZERS}, {"type": "object"}, _NULL]}
_ACTIVATION: Schema = {"type": ["string", "null"], "enum": [*_ACTIVATIONS, None]}
_NORM: Schema = {"type": ["string", "null"], "enum": ["batch", "layer", "ghost", None]}
_REDUCER: Schema = {"type": ["string", "null"], "enum": [*_REDUCERS, None]}
_SIZE: Schema = {"type": "integer", "minimum": 1}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_FLAG: Schema = {"type": "boolean"}
_COUNT_OR_AUTO: Schema = {"oneOf": [_SIZE, {"type": "string", "enum": ["auto"]}]}
_NUMBERS: Schema = {"type": ["array", "null"], "items": {"type": "number"}}
_WORDS: Schema = {"type": "array", "items": {"type": "string"}}

# ludwig.modules.fully_connected_modules.FCStack: the keys its layers read.
_LAYER = {
    "use_bias": _FLAG,
    "weights_initializer": _INITIALIZER,
    "bias_initializer": _INITIALIZER,
    "norm": _NORM,
    "norm_params": {"type": ["object", "null"]},
    "activation": _ACTIVATION,
    "dropout": _SHARE,
}
_FC_LAYER: Schema = {"type": "object", "properties": {"output_size": _SIZE, **_LAYER}}

# By key, for nodes that Ludwig's schema gives no type, or only `string` where its code knows a list of words.
_BY_KEY: dict[str, Schema] = {
    "learning_rate": {"oneOf": [{"type": "number"}, {"type": "string", "enum": ["auto"]}]},
    "batch_size": _COUNT_OR_AUTO,
    "effective_batch_size": _COUNT_OR_AUTO,
    "gradient_accumulation_steps": _COUNT_OR_AUTO,
    "eval_batch_size": {"oneOf": [_SIZE, {"type": "string", "enum": ["auto"]}, _NULL]},
    "betas": {"type": "array", "items": _SHARE},
    "clip": _NUMBERS,
    "class_weights": {"oneOf": [{"type": "array", "items": {"type": "number"}}, {"type": "object"}, _NULL]},
    "class_similarities": {
        "type": ["array", "null"],
        "items": {"type": "array", "items": {"type": "number"}},
    },
    "loss_balancing_preference_vector": _NUMBERS,
    "fc_layers": {"type": ["array", "null"], "items": _FC_LAYER},
    "ple_bin_edges": _NUMBERS,
    "bins_bin_edges": _NUMBERS,
    "dependencies": _WORDS,
    "embed_input_feature_name": {"oneOf": [_SIZE, {"type": "string", "enum": ["add"]}, _NULL]},
    "fill_value": {"type": ["boolean", "integer", "null", "number", "string"]},
    "fc_weights_initializer": _INITIALIZER,
    "fc_bias_initializer": _INITIALIZER,
    "fc_norm": _NORM,
    "reduce_input": _REDUCER,
    "reduce_dependencies": _REDUCER,
}


def for_key(key: str, schema: Schema) -> Schema:
    """Ludwig's node for this key, or ours where Ludwig's says nothing or nearly nothing (any text, any list)."""
    ours = _BY_KEY.get(key)
    if key == "fc_activation":  # Ludwig's schema allows null, its classes do not ("Invalid params")
        return {"type": "string", "enum": _ACTIVATIONS}
    if ours is None:
        return schema
    says = set(schema) & {"type", "enum", "oneOf", "anyOf", "minimum", "maximum", "properties", "items"}
    vague = not says or (says == {"type"} and _holds_words_or_lists(schema["type"]))
    return ours if vague else schema


def _holds_words_or_lists(kind: str | list[str]) -> bool:
    return bool({"string", "array"} & set([kind] if isinstance(kind, str) else kind))
