"""Spec and task signatures → the files of a package; `command` reads and writes, the rest is pure."""

from flowlock.compile.command import CompileResult, compile_workflows
from flowlock.compile.package import render

__all__ = ["CompileResult", "compile_workflows", "render"]
