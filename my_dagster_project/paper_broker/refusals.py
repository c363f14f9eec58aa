"""Refusals of the bundled broker, with the status codes and bodies that Alpaca sends."""

from typing import Any


class ApiError(Exception):
    """An answer other than success: HTTP status and Alpaca's `{"code", "message", ...}` body."""

    def __init__(self, status: int, code: int, message: str, **extra: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message, **extra}


def unauthorized() -> ApiError:
    """Keys are missing or wrong; never say which of the two."""
    return ApiError(401, 40110000, "request is not authorized")


def forbidden(message: str, **extra: str) -> ApiError:
    """The account may not do this: no buying power, not enough shares, wash trade."""
    return ApiError(403, 40310000, message, **extra)


def not_found(message: str) -> ApiError:
    """There is no such order, position or account."""
    return ApiError(404, 40410000, message)


def malformed(message: str) -> ApiError:
    """A field is missing, unknown or of the wrong type."""
    return ApiError(422, 40010001, message)


def bad_request(message: str) -> ApiError:
    """The data host's word for a parameter it does not know."""
    return ApiError(400, 40010000, message)


def unprocessable(message: str, **extra: str) -> ApiError:
    """The request is well formed and cannot be done."""
    return ApiError(422, 42210000, message, **extra)
