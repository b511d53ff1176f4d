"""The compose file and the Helm chart, judged by what others wrote to judge them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.containers.podman import CACHE
from tests.source.tree import ROOT

CHART = ROOT / "containers/helm/segue"
NEEDED = ("--set", "existingSecret=segue", "--set", "store.url=postgresql://segue@db/segue")
EVERYTHING = (
    *NEEDED,
    "--set", "ingress.enabled=true,ingress.host=segue.example,ingress.tlsSecret=tls,ingress.className=nginx",
    "--set", "networkPolicy.enabled=true,storeCaSecret=ca,imagePullSecrets[0].name=registry,nodeSelector.disk=ssd",
    "--set", "settings.log_level=debug,settings.retention_days=5,podAnnotations.a=b,service.type=LoadBalancer",
    "--set-json", 'networkPolicy.from=[{"namespaceSelector":{}}]',
    "--set-json", 'tolerations=[{"key":"k","operator":"Exists"}]',
)  # fmt: skip


def tool(folder: str, program: str) -> str:
    """A program that `tools/test-services` made."""
    path = CACHE.parent / folder / program
    if not path.exists():
        pytest.skip(f"{path.name} is missing; tools/test-services makes it")
    return str(path)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **environment}
    )


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run(tool("helm-3.18.6", "helm"), *arguments)


def render(*values: str, kube: str = "1.34.0") -> str:
    done = helm("template", "mine", str(CHART), "--kube-version", kube, *values)
    assert done.returncode == 0, done.stderr
    return done.stdout


def judged(manifests: str, folder: Path, kube: str) -> subprocess.CompletedProcess[str]:
    """What the validator says of manifests, with the schemas of a release of Kubernetes."""
    python = tool("kubernetes-validate-1.37.0", "bin/python")
    file = folder / "manifests.yaml"
    file.write_text(manifests)
    return run(python, "-m", "kubernetes_validate", "--strict", "-k", kube, str(file))


@pytest.mark.parametrize("kube", ["1.25", "1.37"])
def test_the_chart_renders_what_kubernetes_takes(tmp_path: Path, kube: str) -> None:
    manifests = render(*EVERYTHING, kube=f"{kube}.0")
    done = judged(manifests, tmp_path, kube)
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = re.findall(r"^kind: (\w+)$", manifests, re.MULTILINE)
    assert sorted(kinds) == [
        "ConfigMap", "Deployment", "Deployment", "Ingress", "NetworkPolicy", "PodDisruptionBudget",
        "PodDisruptionBudget", "Service",
    ]  # fmt: skip
    assert done.stdout.count(" passed ") == len(kinds)


def test_the_validator_sees_what_is_wrong(tmp_path: Path) -> None:
    wrong = render(*NEEDED).replace("replicas: 2", "replicas: two")
    assert judged(wrong, tmp_path, "1.34").returncode != 0
    unknown = render(*NEEDED).replace("readinessProbe:", "readynessProbe:")
    assert judged(unknown, tmp_path, "1.34").returncode != 0


def test_the_chart_is_well_made() -> None:
    done = helm("lint", "--strict", str(CHART), *NEEDED)
    assert done.returncode == 0, done.stdout


def test_pods_are_confined_and_no_secret_is_among_their_settings() -> None:
    manifests = render(*EVERYTHING)
    pods = manifests.count("kind: Deployment")
    for line in (
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "allowPrivilegeEscalation: false",
        "drop: [ALL]",
    ):
        assert manifests.count(line) == pods, line
    assert "secretKeyRef" not in manifests


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((), "existingSecret"),
        ((*NEEDED, "--set", "settings.roles=api"), "roles"),
        ((*NEEDED, "--set", "replicas=3"), "replicas"),
        (("--set", "existingSecret=s", "--set", "store.url=postgresql://segue:secret@db/segue"), "store/url"),
        ((*NEEDED, "--set", "ingress.enabled=true"), "ingress.host"),
    ],
    ids=["nothing", "a setting of its own", "unknown", "password in the address", "ingress without host"],
)
def test_wrong_values_are_refused(values: tuple[str, ...], says: str) -> None:
    done = helm("template", "mine", str(CHART), "--kube-version", "1.34.0", *values)
    assert done.returncode != 0
    assert says in done.stderr


def test_its_settings_are_ours(tmp_path: Path) -> None:
    from segue.config import load  # noqa: PLC0415

    found = dict(re.findall(r"^  (SEGUE_\w+): (.*)$", render(*EVERYTHING), re.MULTILINE))
    configuration = load(
        environment={name: json.loads(text) if text[0] == '"' else text for name, text in found.items()}
    )
    assert configuration.warnings == ()
    assert configuration.settings.log_level == "debug"


def compose(*files: str, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = [str(ROOT / "containers" / file) for file in files]
    return run(tool("compose-go-2.4.9", "compose"), *paths, **environment)


def test_the_compose_file_is_one() -> None:
    done = compose("compose.yaml")
    assert done.returncode == 0, done.stderr
    assert "docker.sock" not in done.stdout
    assert 'published: "8080"' in done.stdout
    assert "host_ip: 127.0.0.1" in done.stdout


def test_the_engine_s_socket_is_there_for_who_asks_for_it() -> None:
    refused = compose("compose.yaml", "compose.docker.yaml")
    assert refused.returncode != 0
    assert "DOCKER_GROUP" in refused.stderr
    done = compose("compose.yaml", "compose.docker.yaml", DOCKER_GROUP="999")
    assert done.returncode == 0, done.stderr
    assert "/var/run/docker.sock" in done.stdout
    assert "SEGUE_DEPLOYER: docker" in done.stdout


def test_what_is_no_compose_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text((ROOT / "containers/compose.yaml").read_text().replace("cap_drop: [ALL]", "cap_dropped: [ALL]"))
    done = run(tool("compose-go-2.4.9", "compose"), str(file))
    assert done.returncode != 0
    assert "cap_dropped" in done.stderr
