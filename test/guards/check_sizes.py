#!/usr/bin/env python3
"""Sizes: a file, a function and a parameter list stay small enough to be read
in one look.

The silent failure it exists for: nobody decides to write a function of 300
lines; it gets there by ten additions of 30, each of which looked harmless.

It reads the house style: a function's opening brace stands alone in the first
column, and so does its closing brace. Tables open their brace at the end of a
line and are therefore exempt; so are the lines of a table inside a function.
"""

import re
import sys

import guardlib
from guardlib import Finding

LOOKS = "files, functions and parameter lists are small"

FILE_LINES = 500
ENTRY_LINES = 350
FUNCTION_LINES = 60
PARAMETERS = 5
ENTRY = "mod_auth_clerk.c"

TABLE = re.compile(r"=[ \t]*\{[ \t]*$")
ONE_LINE_BRACE = re.compile(r"^[a-z_][\w \t*]*\([^;=]*\)[ \t]*\{")


def functions(lines):
    """Yields (first line, last line, signature) of each function, in lines of
    blanked code; lines count from 1."""
    start = None
    for index, line in enumerate(lines):
        if line.rstrip() == "{" and start is None:
            first = signature_start(lines, index)
            signature = " ".join(lines[first:index])
            if "(" in signature:
                start = (first, signature)
        elif line.startswith("}") and start is not None:
            yield start[0] + 1, index + 1, start[1]
            start = None


def table_lines(lines):
    """How many of these lines stand inside an initialiser's braces."""
    count = 0
    indent = None
    for line in lines:
        if indent is None:
            if TABLE.search(line):
                indent = len(line) - len(line.lstrip())
        elif line.rstrip() == " " * indent + "};":
            indent = None
        else:
            count += 1
    return count


def signature_start(lines, brace):
    """The signature reaches up to the line after a blank line, a statement's
    end, a brace or a preprocessor line."""
    first = brace
    while first > 0:
        above = lines[first - 1].rstrip()
        if not above or above[-1] in ";}" or above.startswith(("#", "}")):
            break
        first -= 1
    return first


def parameters(signature):
    """How many parameters the last top-level parameter list has."""
    depth = 0
    count = 0
    seen = ""
    for char in signature:
        if char == "(":
            if depth == 0:
                count, seen = 1, ""
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "," and depth == 1:
            count += 1
        if depth > 0:
            seen += char
    return 0 if seen.strip("( ") in ("", "void") else count


def name_of(signature):
    match = re.search(r"(\w+)\s*\(", signature)
    return match.group(1) if match else "?"


def check_functions(path, lines):
    for first, last, signature in functions(lines):
        length = last - first + 1 - table_lines(lines[first:last])
        name = name_of(signature)
        if length > FUNCTION_LINES:
            yield Finding(path, first, "%s() has %d lines, %d are allowed: "
                          "give a part of it a name of its own"
                          % (name, length, FUNCTION_LINES))
        if parameters(signature) > PARAMETERS:
            yield Finding(path, first, "%s() has %d parameters, %d are "
                          "allowed: pass what belongs together as a struct"
                          % (name, parameters(signature), PARAMETERS))
    for number, line in enumerate(lines, 1):
        if ONE_LINE_BRACE.search(line):
            yield Finding(path, number, "a function's opening brace stands "
                          "alone in the first column (else its length is not "
                          "measured)")


def check(root):
    for path in guardlib.all_c_files(root):
        text = guardlib.read(root, path)
        lines = guardlib.blank(text).splitlines()
        allowed = ENTRY_LINES if path == ENTRY else FILE_LINES
        if len(lines) > allowed:
            yield Finding(path, len(lines), "%d lines, %d are allowed: what "
                          "in it is a thing of its own?"
                          % (len(lines), allowed))
        yield from check_functions(path, lines)


def body(count):
    return "static int f(int a,\n             int b)\n{\n%s}\n" % (
        "    x();\n" * count)


GOOD = {
    "mod_auth_clerk.c": "/* x */\n" * ENTRY_LINES,
    "src/core/clerk_x.c":
        body(FUNCTION_LINES - 4)
        + "\nint g(int a, int b, int c, int (*d)(int, int), int e)\n{\n}\n"
        + "static const int table[] = {\n" + "    1,\n" * 90 + "};\n"
        + "\nint h(void)\n{\n    static const int table[] = {\n"
        + "        { 1 },\n" * 60 + "    };\n    x();\n}\n",
    "src/core/clerk_y.c": "\n" * FILE_LINES,
}
BAD = [
    ("a long file", {"src/core/clerk_y.h": "\n" * (FILE_LINES + 1)},
     "501 lines"),
    ("a long entry file",
     {"mod_auth_clerk.c": "/* x */\n" * (ENTRY_LINES + 1)}, "351 lines"),
    ("a long function", {"src/io/clerk_z.c": "\n" + body(FUNCTION_LINES - 3)},
     "src/io/clerk_z.c:2: f() has 61 lines"),
    ("a long function in a test",
     {"test/unit/test_z.c": body(FUNCTION_LINES)}, "f() has 64 lines"),
    ("a long function with a table in it",
     {"src/io/clerk_z.c":
         body(FUNCTION_LINES - 4).replace("{\n", "{\n    int t[] = {\n"
                                          "        1,\n    };\n", 1)},
     "f() has 62 lines"),
    ("six parameters",
     {"src/io/clerk_z.c": "int h(int a, int b,\n"
                          "      int c, int d, int e, int f)\n{\n}\n"},
     "h() has 6 parameters"),
    ("a brace that hides a function from the measure",
     {"src/io/clerk_z.c": "int h(int a) {\n    return a;\n}\n"},
     "src/io/clerk_z.c:1: a function's opening brace"),
]

if __name__ == "__main__":
    guardlib.run(sys.modules[__name__])
