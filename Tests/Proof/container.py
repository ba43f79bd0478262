#!/usr/bin/python3
"""docker/ without an engine: what can be tried of the image and of the migration it shows.

The Dockerfile's packages are ones that Debian 12 has, and the runtime's bring every library that the
program is linked with; its instructions keep the rules (two stages, no root, a stop signal); the
compose file's paths, services and dependencies exist; the pipeline files are read by the program.
"""

import re
import shlex
import subprocess
from pathlib import Path

import yaml

from lab import MARTLET, Proof, require

FOLDER = Path(__file__).resolve().parents[2] / "docker"


def instructions():
    """The Dockerfile as (word, rest), continued lines joined, comments left out."""
    lines = [line for line in (FOLDER / "Dockerfile").read_text().splitlines()
             if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def stages():
    found = []
    for word, rest in instructions():
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


def packages(stage):
    for word, rest in stage:
        install = re.search(r"apt-get install (.+?) &&", rest) if word == "RUN" else None
        if install:
            return [one for one in shlex.split(install[1]) if not one.startswith("-")]
    return []


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def form():
    require(len(stages()) == 2, "the image has two stages")
    last = dict(stages()[-1])
    require(last.get("USER", "root") not in ("root", "0"), "the program does not run as root")
    require(last.get("STOPSIGNAL") == "SIGTERM", "the engine's stop drains")
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            for path in rest.split()[:-1]:
                require((FOLDER.parent / path).exists(), f"COPY {path}: no such path")


def installs():
    for stage in stages():
        names = packages(stage)
        require(names, "a stage installs packages")
        simulate = ("apt-get", "install", "--simulate", "--no-install-recommends", *names)
        try:
            output(*simulate)
        except subprocess.CalledProcessError:  # lists that are absent or too old
            output("apt-get", "-qq", "update")
            output(*simulate)


def libraries():
    """Every library of the program, but Swift's own, is in a package of the runtime stage."""
    linked = re.findall(r"=> (/\S+)", output("ldd", str(MARTLET)))
    needed = [path for path in linked if "swift" not in path and "Foundation" not in path]
    named = set(packages(stages()[-1]))
    closure = set(re.findall(r"^(\S+?)(?::\w+)?$", output(
        "apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
        "--no-breaks", "--no-replaces", "--no-enhances", *named), re.MULTILINE))
    for path in needed:
        real = str(Path(path).resolve())
        owner = subprocess.run(["dpkg", "-S", real, real.removeprefix("/usr")],
                               capture_output=True, text=True).stdout
        require(owner, f"{path} belongs to no package")
        package = owner.split(":")[0]
        # Swift's image brings its own C++ library inside.
        require(package in closure or package in ("libc6", "libgcc-s1", "libstdc++6"),
                f"{path} is in {package}, which the image does not install")


def composed():
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    for name, service in services.items():
        for needed in service.get("depends_on", {}):
            require(needed in services, f"{name} depends on {needed}, which is not there")
            require("healthcheck" in services[needed], f"{needed} says when it is healthy")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            require((FOLDER / source).exists(), f"{name} mounts {source}, which is not there")


def pipelines():
    """Read without a fault: what fails is the server that is not there (75), not the file (2)."""
    for path in sorted((FOLDER / "pipelines").glob("*.yaml")):
        text = path.read_text().replace("@mariadb", "@127.0.0.1:9").replace(
            "@postgres", "@127.0.0.1:9").replace("@mysql", "@127.0.0.1:9")
        done = subprocess.run([str(MARTLET), "check", "/dev/stdin"], input=text, text=True,
                              capture_output=True, timeout=60)
        require(done.returncode == 75, f"{path.name}: exit {done.returncode}: {done.stderr}")


if __name__ == "__main__":
    proof = Proof()
    proof.check("the image's rules", form)
    proof.check("the packages are Debian's", installs)
    proof.check("the runtime has every library", libraries)
    proof.check("the services fit", composed)
    proof.check("the pipeline files are read", pipelines)
    proof.end()
