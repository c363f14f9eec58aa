"""What every asset hands to the IO manager: files, with a data version that is the md5 of their content.

Dagster marks an asset out of date when an upstream data version changed, so equal content must have an equal version:
a second run that computes the same bytes makes nothing below it stale.
"""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from my_dagster_project.storage.dvc_format import dir_md5, md5_of
from my_dagster_project.storage.parquet import to_parquet

if TYPE_CHECKING:
    import pandas as pd

type Files = dict[str, bytes]


def shown[Made](function: Made) -> Made:
    """Mark what only makes what people look at beside the result: it is no part of the stage's recipe."""
    return function


def files_output(files: Mapping[str, bytes], metadata: Mapping[str, Any]) -> dg.Output[Mapping[str, bytes]]:
    """An output of these files with their content's md5 as data version."""
    return versioned_output(files, metadata, data_version(files))


def versioned_output[Stored](files: Stored, metadata: Mapping[str, Any], version: str) -> dg.Output[Stored]:
    """An output with a data version of its own; of windows the files are a mapping for each."""
    return dg.Output(files, metadata=dict(metadata), data_version=dg.DataVersion(version))


def data_version(files: Mapping[str, bytes]) -> str:
    """The data version of these files: the md5 that their `.dvc` pointer has. A prediction says by it which model made it."""
    return dir_md5({name: md5_of(data) for name, data in files.items()})


def table_output(
    name: str, frame: "pd.DataFrame", metadata: Mapping[str, Any]
) -> dg.Output[Mapping[str, bytes]]:
    """An output of one Parquet file, with the row count beside what is given."""
    rows = {"dagster/row_count": len(frame)}
    return files_output({f"{name}.parquet": to_parquet(frame)}, {**rows, **metadata})


def session_files(frame: "pd.DataFrame") -> Files:
    """One Parquet file per session of the frame, named by it."""
    return {
        f"{session.date().isoformat()}.parquet": to_parquet(rows.reset_index(drop=True))
        for session, rows in frame.groupby("session")
    }


def picture(png: bytes, alt: str) -> dg.MarkdownMetadataValue:
    """A small PNG that Dagit shows in place."""
    return dg.MetadataValue.md(f"![{alt}](data:image/png;base64,{base64.b64encode(png).decode()})")
