"""Values of a Ludwig section that its table takes for right and that then fail in training, or are ignored without a word.

Each was accepted once and cost its team a training, or a setting it believed in. Places are relative to the section.
"""

from collections.abc import Iterator
from typing import Any

from my_dagster_project.foundation.problems import Loc, Problem, show, suggestion

# What torch's and Ludwig's layers of normalization take.
_NORM_PARAMS = {
    "batch": ("eps", "momentum", "affine", "track_running_stats"),
    "layer": ("eps", "elementwise_affine", "bias"),
    "ghost": ("momentum", "epsilon", "virtual_batch_size"),
}
_SPLITS = ("training", "validation")
# How an input may not fill what is missing: the answer depends on the rows around, or the row is dropped.
UNFIT = {
    "drop_row": "every session is predicted",
    "bfill": "it fills in what comes later",
    "ffill": "what it fills in depends on the rows around",
}
# Inputs are numbers and categories, the output is a number or binary. The organiser's defaults are for teams of both targets.
_DEFAULTS = {
    "number": ("preprocessing", "encoder", "decoder", "loss"),
    "category": ("preprocessing", "encoder"),
    "binary": ("preprocessing", "decoder", "loss"),
}
_NO_FEATURE = "has no effect: inputs are numbers and categories, the output is a number or binary; remove it"
_NO_SEQUENCES = "is for sequences, and has no effect on numbers and categories; remove it"
_NO_PAIRS = "is for pairs of texts and pictures, and has no effect here; remove it"


def value_problems(section: dict[str, Any], batch_size: int) -> Iterator[Problem]:
    """Everything of this kind in a section that is otherwise well-formed; `batch_size` is the platform's, where none is set."""
    for loc, mapping in _mappings(section, ()):
        yield from _pair_problems(mapping, loc)
        yield from _norm_problems(mapping, loc)
        yield from _split_problems(mapping, loc)
        if loc[:1] != ("output_features",):
            yield from _filling_problems(mapping, loc)
    yield from _trainer_problems(section.get("trainer") or {}, batch_size)
    yield from _sampling_problems(section)
    yield from _default_problems(section.get("defaults") or {})
    yield from _tie_problems(section["input_features"])
    for index, output in enumerate(section["output_features"]):
        if output.get("dependencies"):
            text = "names other outputs, and there is only this one; remove it"
            yield Problem(("output_features", index, "dependencies"), text)


def _mappings(value: Any, loc: Loc) -> Iterator[tuple[Loc, dict[str, Any]]]:
    """Every mapping at or below `value`, with its place."""
    if isinstance(value, dict):
        yield loc, value
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in entries:
        yield from _mappings(item, (*loc, key))


def _pair_problems(mapping: dict[str, Any], loc: Loc) -> Iterator[Problem]:
    betas, clip = mapping.get("betas"), mapping.get("clip")
    if isinstance(betas, list) and not (len(betas) == 2 and all(beta < 1 for beta in betas)):
        yield Problem((*loc, "betas"), "must be two numbers from 0 to below 1, such as [0.9, 0.999]")
    whole = isinstance(clip, list) and all(float(number).is_integer() for number in clip)
    if isinstance(clip, list) and not (whole and len(clip) == 2 and clip[0] < clip[1]):
        text = "must be two whole numbers (Ludwig takes no others), the lowest and the highest prediction"
        yield Problem((*loc, "clip"), text)


def _norm_problems(mapping: dict[str, Any], loc: Loc) -> Iterator[Problem]:
    for key, params in mapping.items():
        if not key.endswith("norm_params") or not isinstance(params, dict):
            continue
        norm = mapping.get(key.removesuffix("_params"))
        # In a list of layers the norm may be the one beside the list; then any norm's parameters will do.
        valid = _NORM_PARAMS.get(str(norm)) or tuple(
            name for names in _NORM_PARAMS.values() for name in names
        )
        for name in params.keys() - set(valid):
            yield Problem((*loc, key, name), "unknown parameter" + suggestion(str(name), valid))


def _filling_problems(mapping: dict[str, Any], loc: Loc) -> Iterator[Problem]:
    """How an input fills what is missing, or takes the place of an outlier."""
    for key in ("missing_value_strategy", "outlier_strategy"):
        if (strategy := mapping.get(key)) in UNFIT:
            text = f"cannot be {strategy}: {UNFIT[strategy]}; use fill_with_mean, or fill_with_mode for categories"
            yield Problem((*loc, key), text)


def _split_problems(mapping: dict[str, Any], loc: Loc) -> Iterator[Problem]:
    for key, value in mapping.items():
        if str(key).endswith("eval_split") and value == "test":
            yield Problem((*loc, key), "cannot be test: no rows are kept for one; use validation")
        elif str(key).endswith("eval_split") and value not in _SPLITS:
            yield Problem((*loc, key), f"cannot be {show(value)}" + suggestion(str(value), _SPLITS))


def _default_problems(defaults: dict[str, Any]) -> Iterator[Problem]:
    """What all features of a type have, where there can be no such feature, or none with such a part."""
    for kind, parts in defaults.items():
        for part in parts or ():
            if part not in _DEFAULTS[kind]:
                yield Problem(("defaults", kind, part), _NO_FEATURE)


def _trainer_problems(trainer: dict[str, Any], batch_size: int) -> Iterator[Problem]:
    whole, batch = trainer.get("effective_batch_size"), trainer.get("batch_size") or batch_size
    steps = trainer.get("gradient_accumulation_steps")
    for name, part in (("batch_size", batch), ("gradient_accumulation_steps", steps)):
        if isinstance(whole, int) and isinstance(part, int) and (whole < part or whole % part):
            text = f"must be a multiple of {name} ({part}), not {whole}"
            yield Problem(("trainer", "effective_batch_size"), text)
    if trainer.get("bucketing_field") is not None:
        yield Problem(("trainer", "bucketing_field"), _NO_SEQUENCES)
    for key, value in trainer.items():
        if key.startswith("contrastive_pretrain") and value:
            yield Problem(("trainer", key), _NO_PAIRS)


def _sampling_problems(section: dict[str, Any]) -> Iterator[Problem]:
    sampling = section.get("preprocessing") or {}
    ratio = sampling.get("sample_ratio", 1)
    if not 0 < ratio <= 1:
        yield Problem(("preprocessing", "sample_ratio"), f"must be above 0 and at most 1, not {show(ratio)}")
    balancing = [key for key in ("oversample_minority", "undersample_majority") if sampling.get(key)]
    binary = [output.get("type") for output in section["output_features"]] == ["binary"]
    if "global_max_sequence_length" in sampling:
        yield Problem(("preprocessing", "global_max_sequence_length"), _NO_SEQUENCES)
    for key in balancing:
        if not binary:
            yield Problem(("preprocessing", key), "balances two classes: it needs target next_direction")
    if binary and len(balancing) > 1:
        yield Problem(("preprocessing", balancing[1]), f"cannot be beside {balancing[0]}: one of the two")


def _tie_problems(inputs: list[dict[str, Any]]) -> Iterator[Problem]:
    for index, entry in enumerate(inputs):
        above = [str(other["name"]) for other in inputs[:index] if other.get("type") == entry.get("type")]
        if entry.get("tied") is not None and entry["tied"] not in above:
            text = f"must be an input above this one, and of its type, not {show(entry['tied'])}"
            yield Problem(("input_features", index, "tied"), text + suggestion(str(entry["tied"]), above))
