"""Installs a build into a scratch folder and uses it as a stranger would: find_package (shared and static) and pkg-config.
Every example of a library's README must compile; that of antrea-ipam is linked in all three ways and run."""
import glob, os, re, subprocess, sys, tempfile

build, source = sys.argv[1:3]


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_egress(program, library_dir):
    """Who links what decides about Egress IPs gets no network and no cryptography; its example chooses a Node."""
    environment = os.environ | {"LD_LIBRARY_PATH": library_dir}
    loaded = run("ldd", f"{library_dir}/libantrea-egress-engine.so", env=environment)
    assert not re.search(r"libgrpc|libssl|libcrypto|libnl|libnft|libsqlite", loaded), loaded
    out = run(program, env=environment)
    assert out.startswith("10.10.0.1 is kept by node"), out


def check_keep_address(program, library_dir):
    """Who links the whole of it gets no RPC, no database and nothing of netlink; its example refuses an interface that is
    not there."""
    environment = os.environ | {"LD_LIBRARY_PATH": library_dir}
    loaded = run("ldd", program, env=environment)
    assert "libantrea-egress.so" in loaded, loaded
    assert not re.search(r"libgrpc|libprotobuf\.so|libnl|libnft|libsqlite", loaded), loaded
    done = subprocess.run([program, "a", "no-such-link", "192.0.2.1", "a=127.0.0.1"], env=environment,
                          capture_output=True, text=True)
    assert done.returncode != 0 and "no-such-link" in done.stderr, (done.returncode, done.stderr)


def check_openflow(prefix, library_dir, scratch):
    """What who links OpenFlow gets: a small library, no RPC, no database; with the codec alone, no I/O either."""
    environment = os.environ | {"LD_LIBRARY_PATH": library_dir}
    forbidden = {"openflow": r"libgrpc|libprotobuf|libsqlite", "openflow-codec": r"libgrpc|libprotobuf|libsqlite|libssl"}
    for name, pattern in forbidden.items():
        loaded = run("ldd", f"{library_dir}/libantrea-{name}.so", env=environment)
        assert not re.search(pattern, loaded), f"libantrea-{name}.so loads {re.findall(pattern, loaded)}"
    run("strip", "-o", scratch + "/stripped.so", f"{library_dir}/libantrea-openflow.so")
    size = os.path.getsize(scratch + "/stripped.so")
    assert size < 1_500_000, f"libantrea-openflow.so has {size} bytes stripped"
    headers = "".join(f"#include <antrea/openflow/{h}.h>\n" for h in ("codec", "switch_state", "text"))
    open(scratch + "/codec.cc", "w").write(headers)
    included = run("c++", "-std=c++20", "-M", f"-I{prefix}/include", scratch + "/codec.cc")
    assert "antrea/openflow/codec.h" in included and "boost/asio" not in included, "the codec's headers include Asio"


with tempfile.TemporaryDirectory(prefix="antrea-install-") as scratch:
    prefix = scratch + "/prefix"
    run("cmake", "--install", build, "--prefix", prefix)
    examples = {}
    for readme in sorted(glob.glob(source + "/libantrea-*/README.md")):
        library = os.path.basename(os.path.dirname(readme))[len("lib"):]
        for i, text in enumerate(re.findall(r"```cpp\n(.*?)```", open(readme).read(), re.S)):
            if "int main" not in text:
                continue
            examples[f"{library}-{i}"] = path = f"{scratch}/{library}-{i}.cc"
            open(path, "w").write(text)
            run("c++", "-std=c++20", "-fsyntax-only", f"-I{prefix}/include", path)
    assert len(examples) >= 12, f"only {sorted(examples)} have an example"

    open(scratch + "/CMakeLists.txt", "w").write("""
cmake_minimum_required(VERSION 3.25)
project(stranger CXX)
set(CMAKE_CXX_STANDARD 20)
foreach(package antrea-egress antrea-egress-engine antrea-ipam antrea-openflow antrea-ovsdb antrea-policy antrea-proxy)
  find_package(${package} REQUIRED)
endforeach()
foreach(flavor "" -static)
  add_executable(ipam${flavor} antrea-ipam-0.cc)
  target_link_libraries(ipam${flavor} PRIVATE antrea::ipam${flavor})
endforeach()
add_executable(policy antrea-policy-0.cc)
target_link_libraries(policy PRIVATE antrea::policy)
add_executable(egress antrea-egress-0.cc)
target_link_libraries(egress PRIVATE antrea::egress-engine)
add_executable(keep_address antrea-egress-1.cc)
target_link_libraries(keep_address PRIVATE antrea::egress)
""")
    run("cmake", "-S", scratch, "-B", scratch + "/b", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", scratch + "/b")
    library_dir = os.path.dirname(glob.glob(prefix + "/**/libantrea-ipam.so", recursive=True)[0])
    check_openflow(prefix, library_dir, scratch)
    check_egress(f"{scratch}/b/egress", library_dir)
    check_keep_address(f"{scratch}/b/keep_address", library_dir)
    flags = run("pkg-config", "--cflags", "--libs", "antrea-ipam",
                env=os.environ | {"PKG_CONFIG_PATH": library_dir + "/pkgconfig"}).split()
    run("c++", scratch + "/antrea-ipam-0.cc", "-o", scratch + "/b/ipam-pkg-config", *flags)
    for program in ("ipam", "ipam-static", "ipam-pkg-config"):
        out = run(f"{scratch}/b/{program}", env=os.environ | {"LD_LIBRARY_PATH": library_dir}, cwd=scratch)
        assert out.startswith("10.10.1."), out
print(f"{len(examples)} examples compile; antrea-ipam links shared, static and by pkg-config")
