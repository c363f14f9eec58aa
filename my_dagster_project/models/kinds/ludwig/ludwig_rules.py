"""What the platform decides about a team's Ludwig section: what it adds, and what it refuses whatever Ludwig allows."""

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

from my_dagster_project.foundation.problems import Loc, Problem, show
from my_dagster_project.models.kinds.ludwig.ludwig_values import value_problems

# Unset, Ludwig tunes it by timing: +2.5 s to +10 s per model and a value that depends on how busy the machine is.
EVAL_BATCH_SIZE = 1024
BATCH_SIZE = 256
LARGEST_SIZE = 8192
# One team's model must not take the machine from the others: far above any sensible model for 3000 rows.
LARGEST = {
    "epochs": 1000,
    "train_steps": 1_000_000,
    "batch_size": 65_536,
    "eval_batch_size": 65_536,
    "num_layers": 64,
    "num_fc_layers": 64,
    "num_steps": 64,
    "num_total_blocks": 64,
    "num_shared_blocks": 64,
    "num_self_attention_layers": 64,
    "max_iter": 1000,
    "max_eval": 1000,
    "latent_dim": LARGEST_SIZE,
    # Each is kept on disk as long as the training lasts.
    "model_soup_top_k": 20,
}

_NO_FILES = "names a file or folder on the server"
_NO_DOWNLOADS = "loads something from outside; nothing is downloaded here"
REFUSED: dict[Loc, str] = {
    ("hyperopt",): "is not run here (it needs Ray and many trainings); try values out in your own checkout",
    ("backend",): "is the platform's; remove it",
    ("preset",): "replaces the whole model; write the combiner and the trainer you want",
    # Both teams of the original project tuned layers below `model:` that no network ever had.
    (
        "model",
    ): "is a section that Ludwig ignores; layers belong to `combiner` (num_fc_layers, output_size, fc_layers)",
    ("training",): "is a section that Ludwig ignores since 0.5; its settings belong to `trainer`",
    ("ludwig_version",): "is the platform's, one version for all teams; remove it",
    (
        "preprocessing",
        "split",
    ): "is the platform's: the latest training.validation_fraction of the sessions; remove it",
    ("trainer", "profiler"): _NO_FILES,
    ("trainer", "enable_profiling"): "writes profiles to the server's disk; remove it",
    ("trainer", "compile"): "starts a C compiler in every training; remove it",
    ("trainer", "layers_to_freeze_regex"): "is for pretrained models, which cannot be used here",
}
# Keys that name files, downloads or code, at whatever depth they stand.
REFUSED_ANYWHERE = {
    "cache_dir": _NO_FILES,
    "lazy_cache_dir": _NO_FILES,
    "vocab_file": _NO_FILES,
    "saved_weights_in_checkpoint": "loads weights from a file on the server",
    "pretrained_model_name_or_path": _NO_DOWNLOADS,
    "pretrained_embeddings": _NO_DOWNLOADS,
    "pretrained_kwargs": _NO_DOWNLOADS,
    "use_pretrained": _NO_DOWNLOADS,
    "base_model": _NO_DOWNLOADS,
    "adapter": "is for pretrained models, which cannot be used here",
    "trust_remote_code": "runs code from outside",
}
# Jinja, shell and dvc.yaml variables, shell commands.
_TEMPLATES = ("{{", "{%", "${", "$(")


def complete_ludwig(section: dict[str, Any]) -> dict[str, Any]:
    """The configuration to train with: a deep copy of a checked section plus what the platform owns.

    The split is the platform's column `split` (0 training, 1 validation); batch sizes are never left to Ludwig's tuner.
    """
    config = copy.deepcopy(section)
    config["model_type"] = "ecd"
    config.setdefault("preprocessing", {})["split"] = {"type": "fixed", "column": "split"}
    trainer = config.setdefault("trainer", {})
    for key, value in (("batch_size", BATCH_SIZE), ("eval_batch_size", EVAL_BATCH_SIZE)):
        if trainer.get(key) is None:
            trainer[key] = value
    return config


def refused(section: dict[str, Any]) -> list[Problem]:
    """What a team may not set, with the reason; Ludwig itself would accept every one of these."""
    problems = []
    model_type = section.get("model_type", "ecd")
    if model_type != "ecd":
        reason = "; llm downloads a language model" if model_type == "llm" else ""
        problems.append(Problem(("model_type",), f"must be ecd, not {show(model_type)}{reason}"))
    for loc, value in _walk(section, ()):
        reason = _refused_reason(loc, value)
        if reason:
            problems.append(Problem(loc, f"cannot be set: it {reason}"))
    return problems


def _refused_reason(loc: Loc, value: Any) -> str:
    if loc in REFUSED:
        return REFUSED[loc]
    key = loc[-1]
    if isinstance(key, str) and key in REFUSED_ANYWHERE:
        return REFUSED_ANYWHERE[key]
    texts = [text for text in (key, value) if isinstance(text, str)]
    if any(mark in text for mark in _TEMPLATES for text in texts):
        return "looks like a template, and nothing is filled in here: it would stay as it is"
    if any(mark in text for mark in ("/", "\\") for text in texts):
        return "looks like a path or URL, and a model has no business with either"
    if isinstance(value, date):
        return "is a date, and no setting of a model is one"
    return ""


def _walk(value: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    """Everything below `value` with its place."""
    entries: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    for key, item in entries:
        yield (*loc, key), item
        yield from _walk(item, (*loc, key))


def setting_problems(section: dict[str, Any]) -> list[Problem]:
    """Well-formed values that Ludwig accepts and that then fail, mislead or take too much of the machine."""
    problems = list(too_large(section)) + list(_head_problems(section.get("combiner", {})))
    trainer = section.get("trainer", {})
    rate = trainer.get("learning_rate", 0.001)
    if rate == "auto":
        problems.append(
            Problem(("trainer", "learning_rate"), "auto is for language models; write a number such as 0.001")
        )
    elif not 0 < rate <= 1:
        problems.append(Problem(("trainer", "learning_rate"), f"must be above 0 and at most 1, not {rate}"))
    for key in ("batch_size", "eval_batch_size"):
        if trainer.get(key) == "auto":
            text = f"auto is tuned by timing and differs from run to run; write a number such as {BATCH_SIZE}"
            problems.append(Problem(("trainer", key), text))
    return [*problems, *value_problems(section, BATCH_SIZE)]


def too_large(section: dict[str, Any]) -> list[Problem]:
    """Single settings that are larger than any model needs."""
    return list(_size_problems(section))


def _size_problems(section: dict[str, Any]) -> Iterator[Problem]:
    for loc, value in _walk(section, ()):
        key = str(loc[-1])
        if isinstance(value, list) and key.endswith("_layers") and len(value) > LARGEST["num_layers"]:
            yield Problem(loc, f"has {len(value)} layers; at most {LARGEST['num_layers']} here")
        largest = LARGEST.get(key, LARGEST_SIZE if "size" in key or key.startswith("num_") else None)
        if largest and isinstance(value, int) and value > largest:
            yield Problem(loc, f"must be at most {largest} here, not {value}")


def _head_problems(combiner: dict[str, Any]) -> Iterator[Problem]:
    """Attention splits the hidden size evenly between its heads; Ludwig finds out in the middle of a training."""
    hidden, heads = combiner.get("hidden_size", 256), combiner.get("num_heads", 8)
    attends = "transformer" in str(combiner.get("type", ""))
    if attends and isinstance(hidden, int) and isinstance(heads, int) and (heads < 1 or hidden % heads):
        yield Problem(("combiner",), f"hidden_size ({hidden}) must be a multiple of num_heads ({heads})")
