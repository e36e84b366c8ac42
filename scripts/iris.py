"""Writes src/data/datasets/irisData.ts from scikit-learn's copy of Fisher's iris data (run once; the output is committed).

    python3 scripts/iris.py > src/data/datasets/irisData.ts
"""

from sklearn.datasets import load_iris

data = load_iris()
assert data.data.shape == (150, 4) and list(data.target) == [0] * 50 + [1] * 50 + [2] * 50

print(
    """// Written by scripts/iris.py; do not edit. Four measures per flower in millimetres, 50 flowers of each species.
//
// R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7, 1936; in the form of the UCI Machine Learning
// Repository (https://archive.ics.uci.edu/dataset/53, CC BY 4.0), with two rows corrected by scikit-learn to Fisher's values.

export const measures: readonly number[] = ["""
)
for row in data.data:
    print("  " + ", ".join(str(round(10 * value)) for value in row) + ",")
print("];")
