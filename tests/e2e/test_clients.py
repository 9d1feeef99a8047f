"""Clients that people already have, unchanged: the Databricks SDK, curl, Prometheus' text format."""
import re, shutil, subprocess

import pytest, requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, ResourceAlreadyExists
from databricks.sdk.service.serving import EndpointCoreConfigInput, ServedEntityInput

from conftest import ENDPOINT, MODEL, ROW, Server


@pytest.fixture(scope="module")
def server(trained, tmp_path_factory):
    copy = tmp_path_factory.mktemp("clients") / "home"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns("*.sock"))
    with Server(copy) as s:
        yield s


@pytest.fixture(scope="module")
def workspace(server):
    return WorkspaceClient(host=server.url, token="any")


def entity(version="1"):
    return ServedEntityInput(entity_name=MODEL, entity_version=version, workload_size="Small", scale_to_zero_enabled=False)


def test_the_databricks_sdk_sees_what_the_job_deployed(workspace):
    endpoint = workspace.serving_endpoints.get(ENDPOINT)
    assert endpoint.state.ready.value == "READY" and endpoint.state.config_update.value == "NOT_UPDATING"
    assert [(e.entity_name, e.entity_version) for e in endpoint.config.served_entities] == [(MODEL, "1")]
    assert ENDPOINT in [e.name for e in workspace.serving_endpoints.list()]


def test_the_databricks_sdk_creates_queries_updates_and_deletes(server, workspace):
    api = workspace.serving_endpoints
    made = api.create_and_wait(name="by_sdk", config=EndpointCoreConfigInput(name="by_sdk", served_entities=[entity()]))
    assert made.state.ready.value == "READY"
    answer = api.query(name="by_sdk", dataframe_records=[ROW, ROW])
    assert answer.predictions == [server.predict()] * 2
    updated = api.update_config_and_wait(name="by_sdk", served_entities=[entity()])
    assert updated.state.config_update.value == "NOT_UPDATING"
    with pytest.raises(ResourceAlreadyExists):
        api.create(name="by_sdk", config=EndpointCoreConfigInput(name="by_sdk", served_entities=[entity()]))
    with pytest.raises(NotFound):
        api.update_config(name="by_sdk", served_entities=[entity("99")])
    api.delete("by_sdk")
    with pytest.raises(NotFound):
        api.get("by_sdk")


def test_curl_gets_the_same_answer(server):
    body = '{"dataframe_split": {"columns": [%s], "data": [[%s]]}}' % (", ".join(f'"{k}"' for k in ROW), ", ".join(map(str, ROW.values())))
    url = f"{server.url}/serving-endpoints/{ENDPOINT}/invocations"
    done = subprocess.run(["curl", "-sS", "--fail", url, "-H", "Content-Type: application/json", "-d", body], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '{"predictions":[%r]}' % server.predict()


def test_health_has_both_forms_and_versions_are_told(server):
    assert requests.get(server.url + "/health").text == "OK"
    assert requests.get(server.url + "/health", headers={"Accept": "application/json"}).json() == {"status": "healthy"}
    assert requests.get(server.url + "/ready").status_code == 200
    assert re.fullmatch(r"\d+\.\d+\.\d+", requests.get(server.url + "/version").text)
    assert requests.get(server.url + "/api/version").json()["version"]


def test_metrics_are_prometheus_text_and_count_predictions(server):
    def requests_so_far():
        text = requests.get(server.url + "/metrics").text
        for line in text.splitlines():
            assert re.fullmatch(r'#.*|[a-zA-Z_:][\w:]*(\{(\w+="(\\.|[^"\\])*",?)*\})? \S+', line), line
        return sum(float(l.rsplit(" ", 1)[1]) for l in text.splitlines() if "requests_total{" in l and f'endpoint="{ENDPOINT}"' in l)

    before = requests_so_far()
    server.predict()
    assert requests_so_far() == before + 1
