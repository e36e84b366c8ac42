// Sentiment of reviews. A network of words in their order, by convolutions over three words, is compared with a logistic regression on counts of
// words and pairs of words. Kim, Convolutional Neural Networks for Sentence Classification, 2014. The sentences are from reviews of products, films and
// restaurants: Kotzias et al., From Group to Individual Labels Using Deep Features, 2015.
import { type Model, type Tensor, data, layers, losses, metrics, optimizers, sequential, setSeed, tensor } from 'ombre';
import { plots, rocCurve } from 'ombre/plots';
import type { Figures, Run } from './example.ts';

/** Words of a sentence that the network reads. Few sentences are longer. */
const longest = 32;

/** Figures: the test accuracies of the network and of the regression, and the area under the ROC curve of each. */
export async function sentiment({ isSmall, print, show, watch, reviews }: Run): Promise<Figures> {
  setSeed(1);
  const all = await reviews();
  const places = tensor(Int32Array.from(all.keys()), [all.length], 'i32');
  const labels = tensor(Int32Array.from(all, ({ label }) => label), [all.length], 'i32'); // prettier-ignore
  const { train, validation: test } = await data.split(places, labels, { validation: 0.2, stratify: labels, seed: 1 });
  const textsOf = async ({ x }: { x: Tensor }) => Array.from(await x.data(), (place) => all[Number(place)].text);
  const [texts, tests] = [await textsOf(train), await textsOf(test)];

  const learn = async (title: string, vectorizer: ReturnType<typeof layers.textVectorization>, model: Model, epochs: number) => {
    await vectorizer.adapt(texts);
    model.compile({
      optimizer: optimizers.adam({ learningRate: isSmall ? 0.01 : 0.002 }),
      loss: losses.binaryCrossentropy({ fromLogits: true }),
      metrics: [metrics.binaryAccuracy({ threshold: 0 })],
    });
    const [x, testX] = [vectorizer.call(texts), vectorizer.call(tests)];
    await model.fit(x, train.y, { epochs, batchSize: 32, validationData: [testX, test.y], verbose: 0, callbacks: watch(title) });
    const { binaryAccuracy: accuracy } = await model.evaluate(testX, test.y, { batchSize: 200, verbose: 0 });
    const scores = (await model.predict(testX, { batchSize: 200 })).sigmoid();
    return { accuracy, scores, roc: await rocCurve(test.y, scores) };
  };

  const [maxTokens, outputDim, filters] = isSmall ? [2000, 16, 32] : [5000, 128, 128];
  const network = sequential([
    layers.embedding({ inputDim: maxTokens, outputDim, inputShape: [longest] }),
    layers.dropout({ rate: 0.5 }),
    layers.conv1d({ filters, kernelSize: 3, padding: 'same', activation: 'relu' }),
    layers.globalMaxPooling1d(),
    layers.dropout({ rate: 0.5 }),
    layers.dense({ units: 1 }),
  ]);
  const words = layers.textVectorization({ maxTokens, outputSequenceLength: longest });
  const inOrder = await learn('Words in order', words, network, isSmall ? 4 : 20);

  const size = 2 * maxTokens;
  const counts = layers.textVectorization({ maxTokens: size, ngrams: 2, outputMode: 'tfIdf', padToMaxTokens: true });
  const regression = sequential([layers.dense({ units: 1, inputShape: [size] })]);
  const asBag = await learn('Counts of words and pairs', counts, regression, isSmall ? 4 : 20);

  const [scores, real] = [await inOrder.scores.data(), await test.y.data()];
  for (let i = 0; i < 6; i++) print(`${Number(scores[i]).toFixed(2)} (${real[i]}) ${tests[i]}`);
  await show('ROC curves', (theme) => plots.roc({ 'words in order': inOrder.roc, 'counts of words': asBag.roc }, { theme }));
  return { network: inOrder.accuracy, regression: asBag.accuracy, networkArea: inOrder.roc.area, regressionArea: asBag.roc.area };
}
