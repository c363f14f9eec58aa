"""Whatever is sent, the answer is one that the API's own description allows, and never an error of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.serving.serving_app import create_app
from tests.serving.conftest import SYMBOL, deployment
from tests.support.draws import draws

OURS = {"team": "red", "symbol": SYMBOL, "name": f"red.{SYMBOL}"}


@pytest.mark.slow
def test_every_route_answers_as_its_description_says(tmp_path):
    import schemathesis
    from schemathesis.specs.openapi import checks

    wanted = [
        schemathesis.checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    with deployment(tmp_path) as served:
        schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(served.settings, served.service))
        operations = [one.ok() for one in schema.get_all_operations()]
        assert len(operations) > 15
        for operation in operations:

            @given(case=operation.as_strategy(), ours=st.booleans())
            @draws(3)
            def asked(case, ours) -> None:
                if ours and case.path_parameters:
                    case.path_parameters = {
                        name: OURS.get(name, one) for name, one in case.path_parameters.items()
                    }
                case.call_and_validate(checks=wanted, headers={"Host": "localhost"})

            asked()
