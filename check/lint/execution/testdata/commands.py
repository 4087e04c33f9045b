import asyncio
import os
import shlex
import subprocess
from subprocess import PIPE, Popen, check_output
from typing import Literal

import paramiko
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from pydantic import BaseModel

router = APIRouter()
TOOLS = {"ping": "ping", "dig": "dig"}
SHELL = {"shell": True, "check": True}


class Job(BaseModel):
    host: str
    count: int = 1


@router.post("/run")
def run(job: Job):
    subprocess.run(f"ping -c {job.count} {job.host}", shell=True)  # want "lint/command-injection: job.host"
    subprocess.run(f"ping -c {job.count} localhost", shell=True)  # ok "lint/command-injection" "lint/shell-true"


@router.get("/popen")
def popen(host: str):
    command = "dig " + host
    return os.popen(command).read()  # want "lint/command-injection"


@router.get("/output")
def output(host: str):
    cmd = "dig {}".format(host)
    return check_output(cmd, shell=True)  # want "lint/command-injection"


@router.get("/stars")
def stars(host: str):
    return subprocess.run("dig %s" % host, **SHELL)  # want "lint/command-injection"


@router.get("/async")
async def run_async(host: str):
    p = await asyncio.create_subprocess_shell(f"dig {host}", stdout=asyncio.subprocess.PIPE)  # want "lint/command-injection"
    await asyncio.create_subprocess_exec("dig", "--", host)  # ok "lint/command-injection"
    return await p.communicate()


@router.get("/sh")
def sh(host: str):
    Popen(["sh", "-c", "dig " + host], stdout=PIPE)  # want "lint/command-injection"
    Popen(["/bin/bash", "-lc", f"dig {host}"])  # want "lint/command-injection"
    Popen(["sh", "-c", 'dig "$1"', "sh", host])  # ok "lint/command-injection"


@router.get("/program")
def program(tool: str, arg: str):
    subprocess.run([tool, arg])  # want "lint/command-injection: tool chooses"
    subprocess.run(tool)  # want "lint/command-injection: tool chooses"
    subprocess.run(shlex.split(tool))  # want "lint/command-injection"
    subprocess.run(shlex.split(f"dig {arg}"))  # ok "lint/command-injection"
    subprocess.run([TOOLS[tool], arg])  # ok "lint/command-injection"


@router.get("/list")
def listed(name: str):
    cmd = ["convert", name, "out.png"]
    subprocess.run(cmd, check=True)  # ok "lint/command-injection"
    cmd = ["convert"]
    cmd.append(name)
    subprocess.run(cmd, check=True)  # ok "lint/command-injection"


@router.get("/quoted")
def quoted(host: str, kind: Literal["a", "b"]):
    os.system(f"dig {shlex.quote(host)} {kind}")  # ok "lint/command-injection" "lint/shell-true"
    if kind not in ("a", "b"):
        raise ValueError(kind)


@router.get("/background")
def background(name: str, tasks: BackgroundTasks):
    tasks.add_task(convert, name)


def convert(name):
    os.system(f"convert {name} out.png")  # want "lint/command-injection: name is part"


@router.post("/form")
async def form(request: Request):
    data = await request.form()
    return subprocess.getoutput(f"whois {data['domain']}")  # want "lint/command-injection"


def header(request: Request):
    return request.headers.get("x-host")


@router.get("/threads")
async def threads(host: str, tasks: BackgroundTasks):
    tasks.add_task(os.system, f"ping {host}")  # want "lint/command-injection"
    await asyncio.to_thread(subprocess.run, f"ping {host}", shell=True)  # want "lint/command-injection"
    return await asyncio.to_thread(subprocess.run, ["ping", host])  # ok "lint/command-injection"


@router.get("/union")
def union(host: int | str):
    os.system(f"ping {host}")  # want "lint/command-injection"


@router.get("/ssh")
def ssh(host: str = Depends(header)):
    client = paramiko.SSHClient()
    client.exec_command(f"ping {host}")  # want "lint/command-injection"


def archive(folder):
    subprocess.call("tar czf out.tgz " + folder, shell=True)  # want "lint/shell-true: folder"


class Backup:
    root = "/data"

    def dump(self, name, target: str):
        os.system(f"pg_dump {self.root} > /backup")  # ok "lint/shell-true"
        os.system(f"pg_dump {name} > {target}")  # want "lint/shell-true: name"


def fixed():
    os.system("ls -l")  # ok "lint/shell-true"
    subprocess.run("ls | wc", shell=True)  # ok "lint/shell-true"
    host = os.environ["HOST"]
    subprocess.run(f"ping {host}", shell=True)  # ok "lint/shell-true"


def twice(name: str):
    subprocess.run(f"echo {name}", shell=True)  # ok "lint/shell-true"


twice("a")
twice("b")
