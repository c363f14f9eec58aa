"""The Open Inference Protocol v2, for clients of KServe, Triton and MLServer: https://github.com/kserve/open-inference-protocol.

A model is `TEAM.SYMBOL`, its version the md5 of its files. An input tensor is a column of the model card, (n,) or (n, 1); the
outputs are `predicted_return` and, where the model has them, `probability_up` and `position`, (n,). Only plain JSON is spoken.
"""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from my_dagster_project.foundation.errors import ObjectMissingError, TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.serving.bodies import MOST_ROWS, TOO_LARGE, Answers
from my_dagster_project.serving.catalogue import Place
from my_dagster_project.serving.model_routes import require_seen
from my_dagster_project.serving.opened_model import OpenedModel
from my_dagster_project.serving.service import Service
from my_dagster_project.teams.visibility import Sight

if TYPE_CHECKING:
    from fastapi import APIRouter

_TYPES = {"number": "FP64", "binary": "BOOL"}
_OUTPUTS = ("predicted_return", "probability_up", "position")

type Datatype = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
]


class ProtocolError(TradingError):
    """A request that does not follow the protocol."""


class InputTensor(BaseModel):
    """One column of rows."""

    name: str
    shape: list[int] = Field(min_length=1, max_length=2)
    datatype: Datatype
    data: list[Any]
    parameters: dict[str, Any] | None = None


class WantedOutput(BaseModel):
    """One of the outputs that are wanted; all of them where none is named."""

    name: str
    parameters: dict[str, Any] | None = None


class InferRequest(BaseModel):
    """The rows to predict, column by column."""

    id: str | None = None
    inputs: list[InputTensor] = Field(min_length=1)
    outputs: list[WantedOutput] | None = None
    parameters: dict[str, Any] | None = None


class Tensor(BaseModel):
    """A tensor's name, type and shape; -1 is any number of rows."""

    name: str
    datatype: str
    shape: list[int]


class OutputTensor(Tensor):
    """One output with its values."""

    data: list[float | None]


class InferResponse(BaseModel):
    """The answer."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]


class Fault(BaseModel):
    """An error as the protocol has it."""

    error: str


def protocol_router(service: Service, settings: Settings) -> "APIRouter":
    """The protocol's routes; a version in the path has to be the one that is served."""
    from fastapi import APIRouter, Request

    sight = Sight(settings)
    said: dict[int | str, dict[str, Any]] = {
        code: {"model": Fault} for code in (400, 401, 404, 409, 422, 503)
    }
    router = APIRouter(prefix="/v2", tags=["Open Inference Protocol v2"])

    def model_of(request: Request, name: str, version: str) -> tuple[Place, OpenedModel]:
        team, _, symbol = name.partition(".")
        require_seen(sight, request, settings, team)
        place = Place(team, symbol)
        model = service.model(place)
        if version and version != model.stored.md5:
            raise ObjectMissingError(f"{name} is served in version {model.stored.md5}, not {version}.")
        return place, model

    @router.get("", summary="Server metadata")
    def server() -> dict[str, Any]:
        return {"name": "trading", "version": "1", "extensions": []}

    @router.get("/health/live", summary="Server live")
    def live() -> dict[str, bool]:
        return {"live": True}

    @router.get("/health/ready", responses={503: {"model": Fault}}, summary="Server ready")
    def ready() -> dict[str, bool]:
        service.catalogue.platform()
        return {"ready": True}

    @router.get("/models/{name}/versions/{version}/ready", responses=said, summary="Model ready")
    @router.get("/models/{name}/ready", responses=said, summary="Model ready")
    def model_ready(request: Request, name: str, version: str = "") -> dict[str, Any]:
        model_of(request, name, version)
        return {"name": name, "ready": True}

    @router.get("/models/{name}/versions/{version}", responses=said, summary="Model metadata")
    @router.get("/models/{name}", responses=said, summary="Model metadata")
    def metadata(request: Request, name: str, version: str = "") -> ModelMetadata:
        _, model = model_of(request, name, version)
        return _metadata(name, model)

    @router.post(
        "/models/{name}/versions/{version}/infer", responses=said | {413: TOO_LARGE}, summary="Inference"
    )
    @router.post("/models/{name}/infer", responses=said | {413: TOO_LARGE}, summary="Inference")
    def infer(request: Request, name: str, asked: InferRequest, version: str = "") -> InferResponse:
        place, model = model_of(request, name, version)
        return _response(name, model, asked, service.of_rows(place, model, rows_of(asked)))

    return router


def rows_of(asked: InferRequest) -> list[dict[str, Any]]:
    """The rows of a request's columns; raises ProtocolError where they do not fit together."""
    columns: dict[str, list[Any]] = {}
    for tensor in asked.inputs:
        count, *width = tensor.shape
        if width not in ([], [1]) or count != len(tensor.data) or not 1 <= count <= MOST_ROWS:
            raise ProtocolError(
                f"Input {tensor.name}: its shape is [n] or [n, 1] with as many values, of 1 to {MOST_ROWS} rows."
            )
        if tensor.name in columns:
            raise ProtocolError(f"Input {tensor.name} is given twice.")
        columns[tensor.name] = tensor.data
    if len({len(data) for data in columns.values()}) > 1:
        raise ProtocolError("All inputs have the same number of rows.")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _metadata(name: str, model: OpenedModel) -> ModelMetadata:
    return ModelMetadata(
        name=name,
        versions=[model.stored.md5],
        platform=f"{model.engine}_{model.manifest.kind}",
        inputs=[
            Tensor(name=entry.name, datatype=_TYPES.get(entry.type, "BYTES"), shape=[-1, 1])
            for entry in model.manifest.inputs
        ],
        outputs=[Tensor(name=one, datatype="FP64", shape=[-1]) for one in _outputs(model)],
    )


def _outputs(model: OpenedModel) -> list[str]:
    extra = {"probability": ["probability_up"], "position": ["position"]}
    return [_OUTPUTS[0], *extra.get(model.manifest.answer, [])]


def _response(name: str, model: OpenedModel, asked: InferRequest, answers: Answers) -> InferResponse:
    wanted = [one.name for one in asked.outputs] if asked.outputs else _outputs(model)
    if unknown := sorted(set(wanted) - set(_outputs(model))):
        raise ProtocolError(f"There is no output {unknown[0]}; outputs are {', '.join(_outputs(model))}.")
    return InferResponse(
        model_name=name,
        model_version=model.stored.md5,
        id=asked.id,
        outputs=[
            OutputTensor(
                name=one,
                datatype="FP64",
                shape=[len(answers.predictions)],
                data=[getattr(row, one) for row in answers.predictions],
            )
            for one in wanted
        ],
    )
