"""Calls, connections and recorded requests."""

import http.client
import threading

KEYS = "/.well-known/jwks.json"


def test_calls_by_endpoint(call, standin):
    call("GET", KEYS)
    call.token_info("x")
    call.token_info("x")
    assert standin.calls("jwks") == 1
    assert standin.calls("token_info") == 2
    assert standin.calls("userinfo") == 0
    assert standin.calls() == standin.calls("*") == 3
    standin.reset()
    assert standin.calls() == standin.connections() == 0
    assert standin.requests() == []


def test_refused_and_faulty_calls_count(call, standin):
    call("DELETE", KEYS)
    standin.fault("jwks", "status", code=503)
    call("GET", KEYS)
    assert standin.calls("jwks") == 2


def test_requests(call, standin):
    call.form("/oauth/token_info?x=1", {"token": "a b"}, call.basic())
    call("GET", KEYS)
    assert [r["endpoint"] for r in standin.requests()] == [
        "token_info", "jwks"]
    (request,) = standin.requests("token_info")
    assert request["method"] == "POST"
    assert request["path"] == "/oauth/token_info"
    assert request["query"] == "x=1"
    assert request["body"] == "token=a+b"
    assert ["Authorization", call.basic()] in request["headers"]


def test_connections(standin):
    kept = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=5)
    for _ in range(3):
        kept.request("GET", KEYS)
        kept.getresponse().read()
    assert standin.connections() == 1
    kept.close()
    kept.request("GET", KEYS)
    kept.getresponse().read()
    kept.close()
    assert standin.connections() == 2
    numbers = [r["connection"] for r in standin.requests()]
    assert numbers[0] == numbers[1] == numbers[2] != numbers[3]


def test_no_keep_alive(standin):
    standin.configure(keep_alive=0)
    kept = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=5)
    try:
        kept.request("GET", KEYS)
        response = kept.getresponse()
        assert response.headers["Connection"] == "close"
    finally:
        kept.close()
        standin.configure(keep_alive=60)


def test_counting_under_load(call, standin):
    def many():
        for _ in range(50):
            assert call("GET", KEYS).status == 200

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert standin.calls("jwks") == standin.connections() == 400
