"""Ludwig as a kind of model: networks described by a section of Ludwig's own keys (https://ludwig.ai)."""

from my_dagster_project.models.kinds.ludwig.ludwig_checks import ludwig_problems
from my_dagster_project.models.kinds.ludwig.ludwig_files import predict_with_ludwig
from my_dagster_project.models.kinds.ludwig.ludwig_keys import lint_ludwig, ludwig_schema
from my_dagster_project.models.kinds.ludwig.ludwig_rules import complete_ludwig, too_large
from my_dagster_project.models.kinds.ludwig.ludwig_runtime import import_ludwig
from my_dagster_project.models.kinds.ludwig.ludwig_size import parts
from my_dagster_project.models.kinds.ludwig.ludwig_training import train
from my_dagster_project.models.kinds.ludwig.rehearsal import rehearse
from my_dagster_project.models.kinds.port import Kind, Part, Section


def _inputs(section: Section) -> list[str]:
    return [str(feature["name"]) for feature in section["input_features"]]


def _parts(section: Section) -> list[Part]:
    """None of what is refused anyway, setting by setting."""
    return [] if too_large(section) else parts(section)


LUDWIG = Kind(
    name="ludwig",
    title="Ludwig",
    says="A network, described by Ludwig's own keys; the short form is the section `ludwig`.",
    lint=lint_ludwig,
    fits=ludwig_problems,
    inputs=_inputs,
    complete=complete_ludwig,
    fit=train,
    warm=True,
    predict=predict_with_ludwig,
    schema=lambda: dict(ludwig_schema()),
    parts=_parts,
    rehearse=rehearse,
    packages={"ludwig": "ludwig", "torch": "torch"},
    preload=import_ludwig,
)
