// Products of a step by a workgroup of a GPU. The left side is in workgroup memory. An invocation sums one piece of columns over a part of the
// rows of the matrix, and the parts are added afterwards. `matrices` are read in pieces.
alias Piece = f32;
const pieceSize = 1u;
// Pieces of the columns of one unit's block: pieces times parts is at most the width.
const pieces = 1u;
const parts = 1u;
// Pieces of one gate in a block.
const blockPieces = 1u;
const blockUnits = 1u;
const vectorSize = 1u;

// Whether an invocation completes a unit of the block that begins at `first`: in each step the same one.
fn isOwn(first: u32, local: u32) -> bool {
  return (local < blockUnits) & (first + local < params.units);
}

var<workgroup> vector: array<f32, vectorSize>;
var<workgroup> sums: array<Piece, width>;

// element
fn elementOf(piece: u32, n: u32) -> f32 { return sums[piece]; }
// end element

// Sum of a part of `length` rows, which are `stride` pieces apart in the matrix. The left side begins at `start`.
fn partialSum(start: u32, at: u32, length: u32, stride: u32, part: u32) -> Piece {
  let size = (length + parts - 1u) / parts;
  let begin = part * size;
  let end = min(begin + size, length);
  var sum = Piece();
  var index = at + begin * stride;
  var k = begin;
  // Eight loads wait for memory together.
  for (; k + 8u <= end; k += 8u) {
    let m0 = matrices[index];
    let m1 = matrices[index + stride];
    let m2 = matrices[index + 2u * stride];
    let m3 = matrices[index + 3u * stride];
    let m4 = matrices[index + 4u * stride];
    let m5 = matrices[index + 5u * stride];
    let m6 = matrices[index + 6u * stride];
    let m7 = matrices[index + 7u * stride];
    sum = fma(Piece(vector[start + k]), m0, sum);
    sum = fma(Piece(vector[start + k + 1u]), m1, sum);
    sum = fma(Piece(vector[start + k + 2u]), m2, sum);
    sum = fma(Piece(vector[start + k + 3u]), m3, sum);
    sum = fma(Piece(vector[start + k + 4u]), m4, sum);
    sum = fma(Piece(vector[start + k + 5u]), m5, sum);
    sum = fma(Piece(vector[start + k + 6u]), m6, sum);
    sum = fma(Piece(vector[start + k + 7u]), m7, sum);
    index += 8u * stride;
  }
  for (; k < end; k++) {
    sum = fma(Piece(vector[start + k]), matrices[index], sum);
    index += stride;
  }
  return sum;
}

// A column's sum over all parts.
fn totalOf(piece: u32, n: u32) -> f32 {
  var total = 0.0;
  for (var part = 0u; part < parts; part++) {
    total += elementOf(part * pieces + piece, n);
  }
  return total;
}
