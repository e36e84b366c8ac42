"""Writes src/data/datasets/digitsData.ts from scikit-learn's copy of the UCI digits (run once; the output is committed).

    python3 scripts/digits.py > src/data/datasets/digitsData.ts
"""

from sklearn.datasets import load_digits

PER_LINE = 8
DIGITS = "0123456789abcdefg"  # base 17: a pixel counts 0..16 set points of a 4x4 block

data = load_digits()
images = [str(label) + "".join(DIGITS[int(p)] for p in pixels) for pixels, label in zip(data.data, data.target)]
assert len(images) == 1797 and all(len(image) == 65 for image in images)

print(
    """// Written by scripts/digits.py; do not edit. Each image is its label and then 64 pixels row by row, one base-17 digit each (0..g).
//
// Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, Bogazici University, 1998; the test part of the data set in the
// UCI Machine Learning Repository (https://archive.ics.uci.edu/dataset/80, CC BY 4.0), in the form distributed with scikit-learn
// (Copyright (c) 2007-2023 The scikit-learn developers, BSD-3-Clause, licence text below).
//
// Redistribution and use in source and binary forms, with or without modification, are permitted provided that the following conditions
// are met: 1. Redistributions of source code must retain the above copyright notice, this list of conditions and the following disclaimer.
// 2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following disclaimer in the
// documentation and/or other materials provided with the distribution. 3. Neither the name of the copyright holder nor the names of its
// contributors may be used to endorse or promote products derived from this software without specific prior written permission.
// THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT
// LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT
// HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT
// LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON
// ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE
// USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

export const images: readonly string[] = ["""
)
for i in range(0, len(images), PER_LINE):
    print("  '" + "".join(images[i : i + PER_LINE]) + "',")
print("];")
