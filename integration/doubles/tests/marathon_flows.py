"""Marathon's Python client on the double: what it answers must parse there, and behave as the API reference says.

    marathon_flows.py URL

Rules and faults are told to the double on its control path.
"""

import collections
import collections.abc
import sys
import threading
import time

# The client is older than Python 3.10, where this name went.
collections.Iterable = collections.abc.Iterable

import requests
from marathon import MarathonApp, MarathonClient
from marathon.exceptions import ConflictError, InternalServerError, MarathonHttpError, NoResponseError, NotFoundError
from marathon.models import MarathonGroup
from marathon.models.queue import MarathonQueueItem

URL = sys.argv[1]
client = MarathonClient(URL, timeout=2)


def tell(path, body=None, method="POST"):
    answer = requests.request(method, f"{URL}/_double/{path}", json=body, timeout=5)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def call(method, path, status, body=None, **more):
    answer = requests.request(method, URL + path, json=body, timeout=5, **more)
    assert answer.status_code == status, (method, path, answer.status_code, answer.text)
    return answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else answer


def until(what, ask, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        found = ask()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"no {what}: {client.list_deployments()}")


def settled():
    until("end of deployments", lambda: not client.list_deployments())


def raises(kind, status, ask):
    try:
        ask()
    except kind as error:
        assert error.status_code == status, error
        return error
    raise AssertionError(f"{kind} was expected")


def create_scale_and_roll():
    made = client.create_app("/shop/web", MarathonApp(cmd="sleep 100", instances=2, mem=32, cpus=0.1))
    assert len(made.deployments) == 1 and made.tasks_running == 0, made
    assert [a.action for s in client.list_deployments()[0].steps for a in s.actions] == ["StartApplication", "ScaleApplication"]
    settled()
    first = client.get_app("/shop/web", embed_task_stats=True)
    assert (first.tasks_running, len(first.tasks)) == (2, 2), first
    # Defaults are filled in, and a service port is assigned.
    assert (first.kill_selection, first.max_launch_delay_seconds, first.gpus) == ("YOUNGEST_FIRST", 300, 0), first
    assert first.port_definitions[0].port >= 10000, first.port_definitions
    assert first.upgrade_strategy.minimum_health_capacity == 1
    # What is the same makes no version, though a deployment is answered.
    client.update_app("/shop/web", MarathonApp(cmd="sleep 100"))
    assert client.get_app("/shop/web").version == first.version
    # Scaling leaves the configuration's own version.
    client.scale_app("/shop/web", instances=3)
    settled()
    scaled = client.get_app("/shop/web")
    assert scaled.version != first.version
    assert scaled.version_info.last_config_change_at == first.version_info.last_config_change_at
    assert {t.id for t in first.tasks} < {t.id for t in scaled.tasks}
    # Anything else replaces every task.
    client.update_app("/shop/web", MarathonApp(labels={"team": "blue"}))
    settled()
    rolled = client.get_app("/shop/web", embed_task_stats=True)
    assert not {t.id for t in rolled.tasks} & {t.id for t in scaled.tasks}
    assert rolled.port_definitions[0].port == first.port_definitions[0].port, "an assigned port stays"
    assert rolled.task_stats.with_outdated_config is None
    assert client.list_versions("/shop/web")[0] == rolled.version and len(client.list_versions("/shop/web")) == 3
    assert client.list_apps(label="team==blue")[0].id == "/shop/web" and not client.list_apps(label="team!=blue")
    client.restart_app("/shop/web")
    settled()
    assert client.get_app("/shop/web").cmd == "sleep 100"
    client.rollback_app("/shop/web", first.version)
    settled()
    assert (client.get_app("/shop/web").instances, client.get_app("/shop/web").labels) == (2, {})
    killed = client.kill_tasks("/shop/web", scale=True)
    assert killed, killed
    settled()
    assert client.get_app("/shop/web").instances == 0
    raises(ConflictError, 409, lambda: client.create_app("/shop/web", MarathonApp(cmd="x")))
    raises(NotFoundError, 404, lambda: client.get_app("/shop/none"))


def whole_and_partial_updates():
    call("PUT", "/v2/apps/shop/put", 201, {"cmd": "sleep 1", "env": {"A": "1"}, "instances": 2})
    settled()
    call("PUT", "/v2/apps/shop/put", 200, {"cmd": "sleep 2"})
    settled()
    kept = call("GET", "/v2/apps/shop/put", 200)["app"]
    assert (kept["env"], kept["instances"]) == ({"A": "1"}, 2), kept
    call("PUT", "/v2/apps/shop/put?partialUpdate=false", 200, {"cmd": "sleep 2"})
    settled()
    whole = call("GET", "/v2/apps/shop/put", 200)["app"]
    assert ("env" not in whole, whole["instances"]) == (True, 1), whole
    call("PATCH", "/v2/apps/shop/other", 404, {"cmd": "x"})
    wrong = call("PUT", "/v2/apps/shop/put", 422, {"upgradeStrategy": {"minimumHealthCapacity": 2, "maximumOverCapacity": 0}})
    assert wrong["details"][0]["path"] == "/upgradeStrategy/minimumHealthCapacity", wrong
    call("POST", "/v2/apps", 422, {"id": "/Shop", "cmd": "x"})
    assert call("POST", "/v2/apps", 400, {"cmd": "x"})["message"] == "Invalid JSON"


def locks():
    client.create_app("/locks/app", MarathonApp(cmd="sleep 1"))
    settled()
    tell("rules", {"command": "broken", "fate": {"exits": {"afterMs": 10, "code": 3}}})
    health = [{"protocol": "COMMAND", "command": {"value": "true"}}]
    call("PUT", "/v2/apps/locks/app", 200, {"cmd": "broken", "healthChecks": health})
    running = client.list_deployments()[0]
    answer = call("PUT", "/v2/apps/locks/app", 409, {"cmd": "sleep 3"})
    assert answer["deployments"] == [{"id": running.id}], answer
    # Tasks fail again and again, and the deployment goes on for ever.
    failed = until("failure", lambda: client.get_app("/locks/app", embed_last_task_failure=True).last_task_failure)
    assert (failed.state, failed.message) == ("TASK_FAILED", "Container exited with status 3"), failed
    time.sleep(0.3)
    assert client.list_deployments()[0].id == running.id
    # Taking it back makes another deployment, to what was there before.
    back = client.delete_deployment(running.id)
    assert back["deploymentId"] != running.id
    settled()
    assert client.get_app("/locks/app").cmd == "sleep 1"
    # With force it is cut off, and what it changed stays.
    call("PUT", "/v2/apps/locks/app", 200, {"cmd": "broken", "healthChecks": health})
    client.delete_deployment(client.list_deployments()[0].id, force=True)
    assert not client.list_deployments() and client.get_app("/locks/app").cmd == "broken"
    # A change with force takes the lock over.
    call("PUT", "/v2/apps/locks/app", 200, {"cmd": "broken 2"})
    client.update_app("/locks/app", MarathonApp(cmd="sleep 4"), force=True)
    settled()
    raises(NotFoundError, 404, lambda: client.delete_deployment("none"))
    # Reverting a creation removes what was created, and the group with it.
    client.create_app("/made/app", MarathonApp(cmd="broken", health_checks=None))
    tell("rules", {"id": "/made/late", "fate": {"unplaceable": {"reason": "InsufficientMemory"}}})
    client.create_app("/made/inner/late", MarathonApp(cmd="x"))
    tell("rules", method="DELETE")


def offers():
    tell("rules", {"id": "/big/app", "fate": {"unplaceable": {"reason": "InsufficientMemory"}}})
    client.create_app("/big/app", MarathonApp(cmd="x"))
    until("queue", lambda: [i for i in call("GET", "/v2/queue", 200)["queue"] if i["processedOffersSummary"]["processedOffersCount"]])
    entry = [i for i in call("GET", "/v2/queue?embed=lastUnusedOffers", 200)["queue"] if i["app"]["id"] == "/big/app"][0]
    # The client is older than this field.
    entry.pop("role")
    assert MarathonQueueItem.from_json(entry).count == 1
    reasons = {r["reason"]: r["declined"] for r in entry["processedOffersSummary"]["rejectSummaryLaunchAttempt"]}
    assert reasons["InsufficientMemory"] > 0 and reasons["InsufficientCpus"] == 0, reasons
    client.delete_deployment(until("deployment", lambda: [d for d in client.list_deployments() if "/big/app" in d.affected_apps])[0].id)
    until("end", lambda: not [d for d in client.list_deployments() if "/big/app" in d.affected_apps])
    raises(NotFoundError, 404, lambda: client.get_app("/big/app"))
    raises(NotFoundError, 404, lambda: client.get_group("/big"))
    tell("rules", method="DELETE")
    # A constraint that no agent meets; one agent each; and one that all meet.
    client.create_app("/place/none", MarathonApp(cmd="x", constraints=[["rack", "IS", "r9"]]))
    client.create_app("/place/each", MarathonApp(cmd="x", instances=4, constraints=[["hostname", "UNIQUE"]]))
    until("three", lambda: client.get_app("/place/each").tasks_running == 3)
    assert len({t.host for t in client.list_tasks("/place/each")}) == 3
    time.sleep(0.2)
    waiting = {i["app"]["id"] for i in call("GET", "/v2/queue", 200)["queue"]}
    assert {"/place/none", "/place/each"} <= waiting, waiting
    client.delete_group("/place", force=True)
    settled()


def groups():
    app = {"cmd": "sleep 1", "cpus": 0.1, "mem": 32}
    tree = {"id": "/tree", "apps": [{"id": "front", "dependencies": ["back"], **app}, {"id": "back", **app}],
            "groups": [{"id": "inner", "apps": [{"id": "deep", "instances": 2, **app}]}]}
    call("POST", "/v2/groups", 201, tree)
    steps = client.list_deployments()[0].steps
    order = [[a.app for a in s.actions] for s in steps]
    assert order.index(["/tree/front"]) > min(i for i, s in enumerate(order) if "/tree/back" in s), order
    settled()
    call("POST", "/v2/groups", 409, tree)
    found = client.get_group("/tree")
    assert isinstance(found, MarathonGroup) and {a.id for a in found.apps} == {"/tree/front", "/tree/back"}, found
    client.scale_app("/tree/inner/deep", instances=3)
    settled()
    # A document that omits the number of instances sets it back, and one that omits an app removes it.
    tree["groups"][0]["apps"][0].pop("instances")
    tree["apps"].pop()
    tree["apps"][0].pop("dependencies")
    dry = call("PUT", "/v2/groups/tree?dryRun=true", 200, tree)
    assert {a["action"] for s in dry["steps"] for a in s["actions"]} >= {"StopApplication", "ScaleApplication"}, dry
    assert client.get_app("/tree/back").id == "/tree/back"
    call("PUT", "/v2/groups/tree", 200, tree)
    settled()
    assert client.get_app("/tree/inner/deep").instances == 1
    raises(NotFoundError, 404, lambda: client.get_app("/tree/back"))
    client.scale_group("/tree", 2)
    settled()
    assert client.get_app("/tree/front").instances == 2
    client.delete_group("/tree")
    settled()
    raises(NotFoundError, 404, lambda: client.get_group("/tree"))


def checks_and_networks():
    web = {"id": "/checks/web", "instances": 1, "container": {"type": "DOCKER", "docker": {"image": "nginx"},
           "portMappings": [{"containerPort": 80, "name": "http"}]}, "networks": [{"mode": "container/bridge"}],
           "healthChecks": [{"protocol": "MESOS_HTTP", "path": "/", "intervalSeconds": 1, "maxConsecutiveFailures": 3}],
           "readinessChecks": [{"portName": "http", "path": "/ready", "preserveLastResponse": True}]}
    tell("rules", {"image": "nginx", "fate": "never-ready"})
    call("POST", "/v2/apps", 201, web)
    results = until("readiness", lambda: [a for d in call("GET", "/v2/deployments", 200) for a in d["currentActions"] if a["readinessCheckResults"]])
    assert results[0]["readinessCheckResults"][0]["ready"] is False, results
    tell("rules", {"image": "nginx", "fate": "runs"})
    client.kill_tasks("/checks/web")
    settled()
    app = client.get_app("/checks/web", embed_readiness=True)
    assert (app.tasks_healthy, app.tasks_unhealthy) == (1, 0), app
    # A task that is never healthy is killed, again and again.
    tell("rules", {"image": "nginx", "fate": "never-healthy"})
    client.kill_tasks("/checks/web")
    failure = until("kill", lambda: client.get_app("/checks/web").last_task_failure)
    assert failure.state == "TASK_KILLED" and "health check failed" in failure.message, failure
    tell("rules", method="DELETE")
    # No networks means the host's, and port mappings are dropped in silence.
    call("POST", "/v2/apps", 201, {"id": "/checks/host", "container": {"docker": {"image": "x"}, "portMappings": [{"containerPort": 80}]}})
    host = call("GET", "/v2/apps/checks/host", 200)["app"]
    assert "portMappings" not in host["container"] and host["networks"] == [{"mode": "host"}], host
    client.delete_group("/checks", force=True)
    settled()


def residents():
    volume = {"containerPath": "data", "mode": "RW", "persistent": {"size": 10}}
    call("POST", "/v2/apps", 201, {"id": "/db", "cmd": "sleep 1", "container": {"type": "MESOS", "volumes": [volume]}})
    settled()
    before = client.list_tasks("/db")[0]
    client.restart_app("/db")
    settled()
    after = client.list_tasks("/db")[0]
    assert before.id != after.id and before.local_volumes == after.local_volumes, (before, after)
    assert before.host == after.host
    volume["persistent"]["size"] = 20
    volume["containerPath"] = "other"
    call("PUT", "/v2/apps/db", 422, {"container": {"type": "MESOS", "volumes": [volume]}})
    assert len(tell("state", method="GET")["volumes"]) == 1
    client.delete_app("/db")
    settled()
    assert tell("state", method="GET")["volumes"] == [], "volumes go with their app"


def pods():
    pod = {"id": "/pods/web", "containers": [
        {"name": "web", "resources": {"cpus": 0.1, "mem": 32}, "image": {"kind": "DOCKER", "id": "nginx"},
         "endpoints": [{"name": "http", "containerPort": 80, "hostPort": 0, "protocol": ["tcp"]}]},
        {"name": "log", "resources": {"cpus": 0.1, "mem": 32}, "exec": {"command": {"shell": "sleep 1"}}}],
        "networks": [{"mode": "container/bridge"}]}
    call("PUT", "/v2/pods/pods/web", 404, pod)
    call("POST", "/v2/pods", 201, pod)
    settled()
    status = call("GET", "/v2/pods/pods/web::status", 200)
    assert status["status"] == "STABLE" and len(status["instances"][0]["containers"]) == 2, status
    pod["scaling"] = {"kind": "fixed", "instances": 2}
    call("PUT", "/v2/pods/pods/web", 200, pod)
    settled()
    assert len(call("GET", "/v2/pods/::status", 200)[0]["instances"]) == 2
    assert len(call("GET", "/v2/pods/pods/web::versions", 200)) == 2
    call("PUT", "/v2/pods/pods/other", 404, pod)
    call("POST", "/v2/pods", 409, pod)
    tell("rules", {"id": "/pods/web", "fate": {"exits": {"afterMs": 5, "code": 7}}, "times": 1})
    one = call("GET", "/v2/pods/pods/web::status", 200)["instances"][0]["id"]
    call("DELETE", f"/v2/pods/pods/web::instances/{one}", 200)
    history = until("termination", lambda: call("GET", "/v2/pods/pods/web::status", 200)["terminationHistory"])
    assert history[0]["containers"][0]["termination"]["exitCode"] == 7, history
    answer = call("DELETE", "/v2/pods/pods/web", 202)
    assert answer.headers["Marathon-Deployment-Id"]
    settled()
    call("GET", "/v2/pods/pods/web", 404)


def events():
    seen = []

    def listen():
        for event in client.event_stream(event_types=["deployment_success", "status_update_event"]):
            seen.append(event)
            if event.event_type == "deployment_success":
                return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    time.sleep(0.3)
    client.create_app("/events/app", MarathonApp(cmd="x"))
    listener.join(10)
    assert not listener.is_alive(), seen
    assert [e.task_status for e in seen[:2]] == ["TASK_STAGING", "TASK_RUNNING"], seen
    call("GET", "/v2/events", 405)


def faults():
    for status in (429, 500, 503):
        tell("faults", {"method": "POST", "path": "/v2/apps", "times": 1, "fault": {"status": status}})
        call("POST", "/v2/apps", status, {"id": "/faults/app", "cmd": "x"})
    raises(NotFoundError, 404, lambda: client.get_app("/faults/app"))
    tell("faults", {"method": "POST", "path": "/v2/apps", "times": 1, "fault": "reset"})
    try:
        client.create_app("/faults/app", MarathonApp(cmd="x"))
        raise AssertionError("the connection was to be cut")
    except NoResponseError:
        pass
    raises(NotFoundError, 404, lambda: client.get_app("/faults/app"))
    tell("faults", {"method": "POST", "path": "/v2/apps", "times": 1, "fault": "lost-answer"})
    try:
        client.create_app("/faults/app", MarathonApp(cmd="x"))
        raise AssertionError("the answer was to be lost")
    except NoResponseError:
        pass
    settled()
    assert client.get_app("/faults/app").tasks_running == 1
    counts = tell("counts", method="GET")
    assert counts["POST /v2/apps"] >= 5, counts


def metronome():
    job = {"id": "shop.night", "run": {"cmd": "date", "cpus": 0.1, "mem": 32, "disk": 0}}
    call("POST", "/v1/jobs", 201, job)
    call("POST", "/v1/jobs", 409, job)
    call("POST", "/v1/jobs", 422, {"id": "shop.bad", "run": {"cmd": "date", "cpus": 0.1, "mem": 1, "disk": 0}})
    call("POST", "/v1/jobs/shop.night/schedules", 201, {"id": "nightly", "cron": "0 3 * * *", "concurrencyPolicy": "FORBID"})
    call("POST", "/v1/jobs/shop.night/schedules", 422, {"id": "odd", "cron": "now"})
    run = call("POST", "/v1/jobs/shop.night/runs", 201)
    assert run["jobId"] == "shop.night", run
    ask = lambda: call("GET", "/v1/jobs/shop.night?embed=history&embed=activeRuns&embed=schedules", 200)
    done = until("success", lambda: [j for j in [ask()] if j["history"]["successCount"] == 1])[0]
    assert done["history"]["successfulFinishedRuns"][0]["id"] == run["id"] and not done["activeRuns"], done
    assert done["schedules"][0]["timezone"] == "UTC"
    tell("rules", {"id": "shop.night", "fate": {"exits": {"afterMs": 5, "code": 1}}})
    call("POST", "/v1/jobs/shop.night/runs", 201)
    until("failure", lambda: ask()["history"]["failureCount"] == 1)
    tell("rules", {"id": "shop.night", "fate": "never-starts"})
    assert tell("strike/shop.night")["started"] == 1 and tell("strike/shop.night")["started"] == 0
    call("DELETE", "/v1/jobs/shop.night", 409)
    call("DELETE", "/v1/jobs/shop.night?stopCurrentJobRuns=true", 200)
    call("GET", "/v1/jobs/shop.night", 404)
    tell("rules", method="DELETE")


def chronos_and_secrets():
    job = {"name": "night", "schedule": "R/2030-01-01T03:00:00Z/P1D", "command": "date"}
    call("POST", "/v1/scheduler/iso8601", 204, job)
    call("POST", "/v1/scheduler/iso8601", 400, {**job, "schedule": "nightly"})
    assert call("GET", "/v1/scheduler/jobs", 200)[0]["name"] == "night"
    call("DELETE", "/v1/scheduler/job/night", 204)
    path = "/secrets/v1/secret/default/shop/db"
    call("PUT", path, 201, {"value": "s3cret"})
    call("PUT", path, 409, {"value": "s3cret"})
    call("PATCH", path, 204, {"value": "other"})
    assert call("GET", path, 200)["value"] == "other"
    assert call("GET", "/secrets/v1/secret/default/?list=true", 200)["array"] == ["shop/db"]
    call("DELETE", path, 204)
    call("GET", path, 404)
    secret = {"cmd": "x", "env": {"A": {"secret": "a"}}}
    wrong = call("POST", "/v2/apps", 422, {"id": "/secret", **secret})
    assert wrong["details"][0]["path"] == "/env(A)/secret", wrong


def what_it_is():
    info = client.get_info()
    assert info.version == "1.11.24" and "secrets" in info.marathon_config.features, info
    assert client.ping() == b"pong\n" and client.get_leader()["leader"]
    call("GET", "/service/marathon/v2/apps", 200)
    assert len(call("GET", "/mesos/slaves", 200)["slaves"]) == 3


for flow in (create_scale_and_roll, whole_and_partial_updates, locks, offers, groups, checks_and_networks, residents, pods, events,
             faults, metronome, chronos_and_secrets, what_it_is):
    print(f"{flow.__name__} …", flush=True)
    flow()
found = tell("violations", method="GET")
assert not found, "\n".join(found)
print("every flow ran")
