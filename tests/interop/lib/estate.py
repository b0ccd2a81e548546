"""Start moto, apply an estate to it, stop it again.

Used by tests/interop/up and tests/interop/down, and imported by the tests. Nothing but the
standard library, and boto3, which is there wherever moto is.

A folder DIR made by `up` holds:
  env        the lines that `up` prints
  moto.pid   the running moto_server
  moto.log   its output
  repo/      a Git repository with the configuration in one commit, and the local state beside it
"""

import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
PR_SET_PDEATHSIG = 1
ESTATE = os.path.join(os.path.dirname(HERE), "estate")
ACCOUNT = "123456789012"
REGION = "eu-west-1"
DR_REGION = "us-east-1"
IMAGE = "ami-0b301ce3ce347599c"


def variables(lines):
    """The environment that lines of shell make."""
    shell = subprocess.run(["bash", "-c", lines + "\nenv -0"], cwd=TOP, stdout=subprocess.PIPE,
                           check=True, text=True)
    return dict(line.split("=", 1) for line in shell.stdout.split("\0") if "=" in line)


def tools():
    """The variables of scripts/test-env."""
    return variables(". scripts/test-env")


def clean_environ(base=None):
    """The caller's environment without anything that changes what a run does."""
    env = dict(os.environ if base is None else base)
    for name in list(env):
        if name.startswith(("AWS_", "TF_CLI_ARGS", "TF_VAR_", "TF_LOG", "GIT_")):
            del env[name]
    for name in ("TF_WORKSPACE", "TF_DATA_DIR", "TF_REATTACH_PROVIDERS"):
        env.pop(name, None)
    env.update(
        CHECKPOINT_DISABLE="1",
        TF_IN_AUTOMATION="1",
        TF_INPUT="0",
        NO_PROXY="127.0.0.1,localhost",
        no_proxy="127.0.0.1,localhost",
    )
    return env


def aws_environ(endpoint):
    """What points the AWS clients, and nothing but them, at a moto server."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def alive(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def start_moto(directory, stays=False):
    """Start moto on a free port; its endpoint, once it answers. Unless it stays it ends with the
    caller, killed or not."""
    log = os.path.join(directory, "moto.log")
    prctl = ctypes.CDLL(None).prctl
    with open(log, "w", encoding="utf-8") as out:
        child = subprocess.Popen(
            ["moto_server", "-H", "127.0.0.1", "-p", "0"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            cwd=directory, env=clean_environ(), start_new_session=True,
            preexec_fn=None if stays else lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
        )
    with open(os.path.join(directory, "moto.pid"), "w", encoding="utf-8") as out:
        out.write(f"{child.pid}\n")
    for _ in range(300):
        with open(log, encoding="utf-8", errors="replace") as text:
            found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", text.read())
        if found:
            return found.group(1)
        if child.poll() is not None:
            break
        time.sleep(0.1)
    stop(directory)
    raise RuntimeError(f"moto_server did not start: see '{log}'")


def stop(directory):
    """Stop what `up` left running in a folder. Stopping twice is no error."""
    for name in ("proxy.pid", "moto.pid"):
        path = os.path.join(directory, name)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as text:
            pid = int(text.read())
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if not alive(pid):
                break
            os.kill(pid, sig)
            for _ in range(50):
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass
                if not alive(pid):
                    break
                time.sleep(0.1)
        os.unlink(path)


def reset_moto(endpoint):
    """Forget everything that moto holds."""
    urllib.request.urlopen(
        urllib.request.Request(endpoint + "/moto-api/reset", method="POST"), timeout=30
    ).close()


def client(endpoint, service, region=REGION):
    """A boto3 client for moto."""
    import boto3  # late: the rest of this file works without it
    from botocore.config import Config

    return boto3.client(
        service, region_name=region, endpoint_url=endpoint, aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def prepare(endpoint):
    """What the estate expects to find: somebody else's launch configuration."""
    client(endpoint, "autoscaling").create_launch_configuration(
        LaunchConfigurationName="golden", ImageId=IMAGE, InstanceType="t3.micro"
    )


def git(repo, *args):
    """Run git with an identity of its own and without the caller's settings."""
    env = clean_environ()
    env.update(
        GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null",
        GIT_AUTHOR_NAME="estate", GIT_AUTHOR_EMAIL="estate@example.com",
        GIT_COMMITTER_NAME="estate", GIT_COMMITTER_EMAIL="estate@example.com",
    )
    done = subprocess.run(
        ["git", "-C", repo, *args], env=env, check=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, universal_newlines=True,
    )
    return done.stdout.strip()


def make_repo(config, repo):
    """A Git repository that holds a configuration, in one commit on `main`."""
    shutil.copytree(
        config, repo,
        ignore=shutil.ignore_patterns(".terraform", "*.tfstate", "*.tfstate.*", ".git"),
    )
    git(repo, "init", "-q", "-b", "main")
    return commit(repo, "estate: as it was applied")


def commit(repo, message):
    """Commit everything in the work tree; the commit's id."""
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", message)
    return git(repo, "rev-parse", "HEAD")


def terraform(repo, *args, endpoint=None, log=None, env=None):
    """Run terraform in a work tree. Slow (4 s at least): call it seldom."""
    full = clean_environ()
    if endpoint:
        full.update(aws_environ(endpoint))
    full.update(env or {})
    out = open(log, "ab") if log else subprocess.PIPE
    try:
        done = subprocess.run(
            ["terraform", *args], cwd=repo, env=full, stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT if log else subprocess.PIPE, check=False,
        )
    finally:
        if log:
            out.close()
    if done.returncode != 0:
        detail = f"see '{log}'" if log else done.stderr.decode(errors="replace")[-2000:]
        raise RuntimeError(f"terraform {args[0]} failed: {detail}")
    return done.stdout


def apply(repo, endpoint, log, parallelism=30):
    """init and apply; seconds taken by each."""
    t0 = time.monotonic()
    terraform(repo, "init", "-input=false", "-no-color", endpoint=endpoint, log=log)
    t1 = time.monotonic()
    terraform(
        repo, "apply", "-auto-approve", "-input=false", "-no-color",
        f"-parallelism={parallelism}", endpoint=endpoint, log=log,
    )
    return t1 - t0, time.monotonic() - t1


def env_lines(endpoint, repo):
    """Lines for a shell's eval."""
    values = dict(aws_environ(endpoint), PLUMB_ESTATE_REPO=repo)
    for name in ("CHECKPOINT_DISABLE", "TF_IN_AUTOMATION", "NO_PROXY", "no_proxy"):
        values[name] = clean_environ()[name]
    if os.environ.get("TF_CLI_CONFIG_FILE"):
        values["TF_CLI_CONFIG_FILE"] = os.environ["TF_CLI_CONFIG_FILE"]
    lines = [f"export {k}={shlex.quote(v)}" for k, v in sorted(values.items())]
    return "\n".join(["unset AWS_CA_BUNDLE AWS_PROFILE AWS_SESSION_TOKEN"] + lines) + "\n"


def up(directory, config=ESTATE, with_apply=True, stays=False):
    """Moto, a repository, and the estate applied. The lines to print."""
    directory = os.path.abspath(directory)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    if os.path.exists(os.path.join(directory, "moto.pid")):
        raise RuntimeError(f"'{directory}' is already up: run tests/interop/down on it first")
    repo = os.path.join(directory, "repo")
    if os.path.exists(repo):
        raise RuntimeError(f"'{repo}' exists: name a new folder")
    endpoint = start_moto(directory, stays)
    try:
        prepare(endpoint)
        make_repo(config, repo)
        if with_apply:
            took = apply(repo, endpoint, os.path.join(directory, "terraform.log"))
            print("init %.1f s, apply %.1f s" % took, file=sys.stderr)
        lines = env_lines(endpoint, repo)
        with open(os.path.join(directory, "env"), "w", encoding="utf-8") as out:
            out.write(lines)
    except BaseException:
        stop(directory)
        raise
    return lines
