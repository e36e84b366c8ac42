// Losses over several outputs at once. A namespace and no table: a bundler keeps only the losses that are used.
export { tripletMargin, tripletMarginWithDistance, marginRanking, cosineEmbedding } from './triplet.ts';
export { infoNce, ntXent, barlowTwins, vicReg } from './selfSupervised.ts';
