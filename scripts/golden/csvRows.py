"""Writes test/golden/csv.json: tricky CSV texts and their cells by Python's csv module.

    python3 scripts/golden/csvRows.py > test/golden/csv.json
"""

import csv
import io
import json

CASES = [
    ("plain", "a,b\n1,2\n", ","),
    ("no line end at the end", "a,b\n1,2", ","),
    ("CRLF", "a,b\r\n1,2\r\n", ","),
    ("CR", "a,b\r1,2\r", ","),
    ("a byte order mark", "\ufeffa,b\n1,2\n", ","),
    ("quotes", '"a","b ""c"""\n"x,y",""\n', ","),
    ("a line break within quotes", '"a\nb",c\n"d\r\ne",f\n', ","),
    ("a line break within quotes of CRLF lines", '"a\nb",c\r\n"d\r\ne",f\r\n', ","),
    ("empty cells", ",\n,,\n", ","),
    ("empty lines", "a,b\n\n1,2\n\n", ","),
    ("spaces", " a , b \n", ","),
    ("a quote within a cell", 'a"b,c\n', ","),
    ("another delimiter", 'a;b,c\n"1;2";3\n', ";"),
    ("tabs", 'a\tb\n"1\t2"\t3\n', "\t"),
    ("other letters", 'å,𝒷\n"ü\n",é\n', ","),
    ("many lines", 'i,"text, quoted"\n' * 50, ","),
]


def cells(text, delimiter):
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
    return [row for row in reader if row]


print(json.dumps([{"name": n, "text": t, "delimiter": d, "cells": cells(t, d)} for n, t, d in CASES], indent=1))
