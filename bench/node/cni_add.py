#!/usr/bin/env python3
"""CNI ADD and DEL of antrea-cni beside Debian's bridge plugin with host-local, in turn, on one Node of a lab.

Run it on a Node whose lab has the Pod default/frontend:
  antrea-lab up; antrea-lab apply --wait -f examples/three-pods.yaml
  antrea-lab node worker-01 -- python3 bench/node/cni_add.py build/bin
The floor is a process that does nothing; times are of whole processes, as a runtime sees them.
"""
import ctypes, json, os, subprocess, sys, tempfile, time

bindir = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 100
libc = ctypes.CDLL(None, use_errno=True)


def sandbox():
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        libc.unshare(0x40000000)
        os.write(told, b"x")
        time.sleep(3600)
    os.read(ready, 1)
    os.close(ready), os.close(told)
    return pid


def call(plugin, conf, command, container, netns):
    env = {"CNI_COMMAND": command, "CNI_CONTAINERID": container, "CNI_NETNS": netns, "CNI_IFNAME": "eth0",
           "CNI_PATH": "/usr/lib/cni", "PATH": os.environ["PATH"], "ANTREA_CNI_SOCKET": "/run/antrea/cni.sock",
           "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=frontend"}
    begin = time.perf_counter()
    done = subprocess.run([plugin], input=conf, env=env, capture_output=True, text=True)
    spent = (time.perf_counter() - begin) * 1000
    if done.returncode != 0:
        sys.exit(f"{plugin} {command}: {done.stdout}{done.stderr}")
    return spent


with tempfile.TemporaryDirectory() as data:
    bridge = {"cniVersion": "1.0.0", "name": "bench", "type": "bridge", "bridge": "bench0", "isGateway": True,
              "ipam": {"type": "host-local", "dataDir": data, "subnet": "10.99.0.0/16"}}
    peers = {
        "antrea": (bindir + "/antrea-cni", json.dumps({"cniVersion": "1.0.0", "name": "antrea", "type": "antrea",
                                                       "ipam": {"type": "host-local"}})),
        "bridge": ("/usr/lib/cni/bridge", json.dumps(bridge)),
        "bridge, ipMasq": ("/usr/lib/cni/bridge", json.dumps(bridge | {"ipMasq": True})),
    }
    times = {name: {"ADD": [], "DEL": []} for name in peers}
    floor = []
    for i in range(rounds):
        begin = time.perf_counter()
        subprocess.run(["/bin/true"])
        floor.append((time.perf_counter() - begin) * 1000)
        for name, (plugin, conf) in peers.items():
            pid = sandbox()
            for command in ("ADD", "DEL"):
                times[name][command].append(call(plugin, conf, command, f"bench-{os.getpid()}-{i}", f"/proc/{pid}/ns/net"))
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def at(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


print(f"floor (/bin/true): p50 {at(floor, .5):.2f} ms")
for name, by_command in times.items():
    for command, values in by_command.items():
        ratio = at(by_command[command], .5) / at(times["bridge"][command], .5)
        print(f"{name:15} {command}: p50 {at(values, .5):6.2f} ms  p99 {at(values, .99):6.2f} ms  {ratio:.2f} x bridge")
