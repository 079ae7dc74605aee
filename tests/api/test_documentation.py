from __future__ import annotations

import re

import pytest
from pydantic import SecretStr

from trading_system.api import (
    control_schemas,
    order_schemas,
    risk_schemas,
    schemas,
    stop_schemas,
    strategy_schemas,
)
from trading_system.api.application import create_app
from trading_system.api.security import ApiOptions

WHOLE_API = {
    ("/health", "get"),
    ("/metrics", "get"),
    ("/symbols", "post"),
    ("/symbols", "get"),
    ("/symbols/{symbol}", "get"),
    ("/symbols/{symbol}", "delete"),
    ("/symbols/{symbol}/backfill", "post"),
    ("/backfills/{job_id}", "get"),
    ("/prices/{symbol}", "get"),
    ("/gaps/{symbol}", "get"),
    ("/plot/prices", "get"),
    ("/reconcile", "post"),
    ("/reconciliations", "get"),
    ("/orders", "post"),
    ("/orders", "get"),
    ("/orders/{order_id}", "get"),
    ("/orders/{order_id}", "patch"),
    ("/orders/{order_id}", "delete"),
    ("/order-lists", "post"),
    ("/order-lists/{list_id}", "get"),
    ("/order-lists/{list_id}", "delete"),
    ("/instruments", "get"),
    ("/instruments/{symbol}", "get"),
    ("/trades", "get"),
    ("/balances", "get"),
    ("/positions/{symbol}/leverage", "post"),
    ("/positions", "get"),
    ("/positions/{symbol}", "get"),
    ("/portfolio", "get"),
    ("/equity", "get"),
    ("/plot/equity", "get"),
    ("/stops", "post"),
    ("/stops", "get"),
    ("/stops/{stop_id}", "get"),
    ("/stops/{stop_id}", "delete"),
    ("/strategies", "post"),
    ("/strategies", "get"),
    ("/strategies/{strategy_id}", "get"),
    ("/strategies/{strategy_id}", "patch"),
    ("/strategies/{strategy_id}", "delete"),
    ("/strategies/{strategy_id}/start", "post"),
    ("/strategies/{strategy_id}/stop", "post"),
    ("/signals", "get"),
    ("/plot/strategies/{strategy_id}", "get"),
    ("/strategies/{strategy_id}/parity", "get"),
    ("/backtests", "post"),
    ("/backtests", "get"),
    ("/backtests/{backtest_id}", "get"),
    ("/backtests/{backtest_id}/result", "get"),
    ("/plot/backtests/{backtest_id}", "get"),
    ("/tickers", "get"),
    ("/book/{symbol}", "get"),
    ("/events", "get"),
    ("/venue", "get"),
    ("/control", "get"),
    ("/control/pause", "post"),
    ("/control/resume", "post"),
    ("/control/kill", "post"),
    ("/control/arm", "post"),
    ("/risk", "get"),
    ("/refusals", "get"),
}


@pytest.fixture
def document(system) -> dict:
    return create_app(system, ApiOptions()).openapi()


def operations(document: dict) -> dict:
    return {
        (path, verb): operation
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
    }


def has_example(content: dict, document: dict) -> bool:
    if "example" in content:
        return True
    schema = content["schema"]
    schema = schema.get("items", schema)
    return "examples" in document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


def test_the_document_lists_the_whole_api(document):
    assert set(operations(document)) == WHOLE_API


def test_every_operation_explains_itself(document):
    for name, operation in operations(document).items():
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name


def test_every_answer_and_body_has_an_example(document):
    for name, operation in operations(document).items():
        body = operation.get("requestBody", {"content": {}})["content"]
        assert all(has_example(content, document) for content in body.values()), name
        for status, answer in operation["responses"].items():
            assert answer["content"], (name, status)
            for content in answer["content"].values():
                assert has_example(content, document), (name, status)


def test_every_parameter_has_a_description_and_an_example(document):
    for name, operation in operations(document).items():
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (name, parameter["name"])
            assert "examples" in parameter["schema"] or "examples" in parameter, (
                name,
                parameter["name"],
            )


def test_every_error_is_a_problem(document):
    for name, operation in operations(document).items():
        for status, answer in operation["responses"].items():
            if status >= "400" and (name, status) != (("/health", "get"), "503"):
                assert set(answer["content"]) == {"application/problem+json"}, (name, status)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_reference_leads_somewhere(document):
    schemas_there = document["components"]["schemas"]
    for reference in set(re.findall(r"'\$ref': '([^']*)'", str(document))):
        assert reference.rpartition("/")[2] in schemas_there


@pytest.mark.parametrize(
    "model",
    [
        model
        for module in (
            schemas,
            order_schemas,
            stop_schemas,
            control_schemas,
            risk_schemas,
            strategy_schemas,
        )
        for model in vars(module).values()
        if isinstance(model, type)
        and issubclass(model, schemas.In)
        and "json_schema_extra" in model.model_config
    ],
)
def test_the_examples_of_bodies_are_accepted(model):
    for example in model.model_config["json_schema_extra"]["examples"]:
        model.model_validate(example)


async def test_the_document_is_served_and_made_once(client):
    first = await client.get("/openapi.json")
    assert first.status_code == 200
    assert first.json() == (await client.get("/openapi.json")).json()


def test_a_token_shows_in_the_document_and_health_goes_without(system):
    document = create_app(system, ApiOptions(token=SecretStr("t"))).openapi()
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/health"]["get"]["security"] == []
    assert "security" not in create_app(system, ApiOptions()).openapi()
