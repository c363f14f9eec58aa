"""How an S3 server is reached: plain data that the settings fill and the store takes."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class S3Settings:
    """None leaves a value to boto3's own chain (environment, instance role)."""

    endpoint_url: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    region: str = "us-east-1"
