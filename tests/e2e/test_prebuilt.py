# SPDX-License-Identifier: MIT
"""Programs with Tokio inside that somebody else built: they run as ever, and are judged."""

import platform

from harness import BUILD, MS, call

PREBUILT = BUILD / "prebuilt"
ARCH = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]

SERVER_AND_CLIENT = """
const file = Deno.args[0];
const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
  const text = await Deno.readTextFile(file);
  return new Response(`${new URL(request.url).pathname} ${text.length}`);
});
await Deno.writeTextFile(file, "x".repeat(1000));
const base = `http://127.0.0.1:${server.addr.port}`;
let answers = 0;
for (let round = 0; round < 20; round++) {
  const texts = await Promise.all(
    [0, 1, 2, 3, 4].map(async (n) => (await fetch(`${base}/${n}`)).text()),
  );
  answers += texts.filter((text, n) => text === `/${n} 1000`).length;
  await new Promise((resolve) => setTimeout(resolve, 2));
}
const child = await new Deno.Command("sh", { args: ["-c", "echo child; exit 3"] }).output();
console.log(answers, new TextDecoder().decode(child.stdout).trim(), child.code);
await server.shutdown();
Deno.exit(5);
"""

OBSTORE = """
import asyncio, sys, tempfile
import obstore
from obstore.store import LocalStore, MemoryStore

async def main():
    total = 0
    with tempfile.TemporaryDirectory() as directory:
        for store in (MemoryStore(), LocalStore(directory)):
            for n in range(30):
                await obstore.put_async(store, f"file-{n}", b"x" * n)
            for n in range(30):
                result = await obstore.get_async(store, f"file-{n}")
                total += len(await result.bytes_async())
    print("obstore", total)

asyncio.run(main())
sys.exit(4)
"""


def program(scope, package, name):
    path = PREBUILT / "node_modules" / scope / package / name
    assert path.exists(), f"{path} is not installed: run ./dev test"
    return path


def attached(run):
    """The one trace among those of a process tree in which a runtime was recognised."""
    traces = [trace for trace in run.traces if trace.attached]
    assert len(traces) == 1, [trace.header["cmdline"] for trace in run.traces]
    return traces[0]


def same_as_alone(run_overstay, command, **keywords):
    alone = call(command, **keywords)
    run = run_overstay(*command, **keywords)
    assert (run.status, run.stdout) == (alone.returncode, alone.stdout), run.stderr
    return run


def test_deno_serves_as_ever_and_is_judged(run_overstay, tmp_path):
    """A stripped 95 MB program serves, fetches, reads files and runs a child; polls are seen."""
    script = tmp_path / "service.ts"
    script.write_text(SERVER_AND_CLIENT)
    deno = program("@deno", f"linux-{ARCH}-glibc", "deno")
    setting = {
        "DENO_DIR": str(tmp_path / "deno"),
        "DENO_NO_UPDATE_CHECK": "1",
        "NO_COLOR": "1",
    }
    command = [deno, "run", "--quiet", "--no-check", "-A", script, tmp_path / "file"]
    run = same_as_alone(run_overstay, command, env=setting, timeout=120)
    assert (run.status, run.stdout) == (5, "100 child 3\n")
    trace = attached(run)
    assert trace.coverage["engine"] == "on"
    assert trace.coverage["task_vtables"] >= 50
    assert trace.one("polls")["count"] >= 200
    assert (trace.end["reason"], trace.end["status"]) == ("exit", 5)
    assert run.report["processes"]


def test_deno_evaluates(run_overstay, tmp_path):
    """A short life of the same program ends as it does alone."""
    deno = program("@deno", f"linux-{ARCH}-glibc", "deno")
    setting = {"DENO_DIR": str(tmp_path / "deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    run = same_as_alone(run_overstay, [deno, "eval", "console.log(6 * 7)"], env=setting)
    assert (run.status, run.stdout) == (0, "42\n")
    assert attached(run).coverage["task_vtables"] >= 50


def test_dprint_checks_as_ever(run_overstay, tmp_path):
    """A formatter that starts a runtime for everything it does gives the same answer."""
    dprint = program("@dprint", f"linux-{ARCH}-glibc", "dprint")
    (tmp_path / "dprint.json").write_text('{"plugins": [], "excludes": []}')
    setting = {"DPRINT_CACHE_DIR": str(tmp_path / "cache"), "NO_COLOR": "1"}
    command = [dprint, "output-resolved-config"]
    run = same_as_alone(run_overstay, command, env=setting, cwd=tmp_path)
    assert attached(run).coverage["engine"] == "on"


def test_biome_formats_as_ever(run_overstay):
    """A formatter with worker threads of its own gives the same answer."""
    biome = program("@biomejs", f"cli-linux-{ARCH}", "biome")
    command = [biome, "format", "--stdin-file-path=file.js"]
    run = same_as_alone(run_overstay, command, stdin=b"const  a = [1,2,3] ;\n" * 500)
    assert (run.status, run.stdout) == (0, "const a = [1, 2, 3];\n" * 500)
    assert attached(run).coverage["task_vtables"] >= 1


def test_python_extension_with_tokio_is_judged(run_overstay):
    """Tokio inside an extension module, opened when Python imports it, is found and hooked."""
    python = PREBUILT / "venv" / "bin" / "python"
    run = same_as_alone(run_overstay, [python, "-c", OBSTORE])
    assert (run.status, run.stdout) == (4, "obstore 870\n")
    trace = attached(run)
    assert trace.one("polls")["count"] >= 60
    modules = {line["id"]: line["path"] for line in trace.all("module")}
    (runtime,) = trace.all("runtime")
    assert "obstore" in modules[runtime["module"]]


def test_nothing_is_invented_in_deno(run_overstay, tmp_path):
    """With a limit that nothing reaches, nothing is found."""
    deno = program("@deno", f"linux-{ARCH}-glibc", "deno")
    setting = {"DENO_DIR": str(tmp_path / "deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    script = "await new Promise((done) => setTimeout(done, 50)); console.log('waited')"
    run = run_overstay(deno, "eval", script, options=["--threshold", "1s"], env=setting)
    assert run.stdout == "waited\n"
    blocks = [each for each in run.findings if each["kind"] in ("blocking-call", "lock-wait")]
    assert blocks == [], run.show()
    assert all(each["max_ns"] >= 5 * MS for each in run.findings)
