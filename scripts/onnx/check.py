"""Checks all files of a folder with the checker of the Python package onnx: python3 scripts/onnx/check.py FOLDER/files"""

import pathlib
import sys

import onnx
import onnx.checker

done, skipped = 0, 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    model = onnx.load(path)
    # Packages know opsets up to theirs.
    if model.opset_import[0].version > onnx.defs.onnx_opset_version():
        skipped += 1
        continue
    onnx.checker.check_model(model, full_check=True)
    done += 1
print(f"onnx {onnx.__version__}: {done} files are valid, {skipped} have a newer opset")
