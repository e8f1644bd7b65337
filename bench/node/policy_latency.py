#!/usr/bin/env python3
"""Time from the API server's answer to the creation (and deletion) of a NetworkPolicy until a Node's switch has acknowledged
its flows, as the Node's agent counts bundles.

  antrea-lab up; antrea-lab apply --wait -f examples/three-pods.yaml
  python3 bench/node/policy_latency.py /tmp/antrea-lab-0/default
"""
import http.client, json, re, socket, ssl, sys, time

lab = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 100
config = open(lab + "/kubeconfig").read()
host, port = re.search(r'server: "?https://([^\s":]+):(\d+)', config).groups()
token = re.search(r'token: "?([^\s"]+)', config).group(1)
headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
path = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"


def api(method, target, body=None):
    connection = http.client.HTTPSConnection(host, int(port), context=ssl._create_unverified_context())
    connection.connect()
    begin = time.perf_counter()
    connection.request(method, target, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status >= 300:
        sys.exit(f"{method} {target}: {answer.status}")
    return begin


def bundles():
    agent = http.client.HTTPConnection("localhost")
    agent.sock = socket.socket(socket.AF_UNIX)
    agent.sock.connect(lab + "/hosts/worker-01/run/antrea/api.sock")
    agent.request("GET", "/agentinfo")
    return json.loads(agent.getresponse().read())["openflow"]["bundles"]


times = []
for i in range(rounds):
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": f"bench-{i}"},
              "spec": {"podSelector": {"matchLabels": {"role": "frontend"}}, "policyTypes": ["Ingress"],
                       "ingress": [{"ports": [{"protocol": "TCP", "port": 1000 + i}]}]}}
    for method, target, body in (("POST", path, policy), ("DELETE", f"{path}/bench-{i}", None)):
        before = bundles()
        begin = api(method, target, body)
        while bundles() == before:
            pass
        times.append((time.perf_counter() - begin) * 1000)
times.sort()
print(f"policy change, request to flows acknowledged: p50 {times[len(times) // 2]:.1f} ms  p99 {times[int(len(times) * .99)]:.1f} ms"
      f"  ({len(times)} changes, polling included)")
