// Graphs as TensorBoard shows them: the message GraphDef of tensorflow/core/framework/graph.proto, as PyTorch's SummaryWriter writes it too.
import { bytesField, fields, floatField, integerField, mapField, textField } from './protobuf.ts';

/** One use of a layer, or an input of the model. */
export interface GraphNode {
  /** Unique name. Parts between slashes are groups, which TensorBoard opens and closes. */
  readonly name: string;
  /** Kind of the layer, such as `dense`. */
  readonly kind: string;
  /** Names of the nodes that feed it. */
  readonly inputs: readonly string[];
  /** Shapes of its outputs, with -1 for the batch; none if they are not known. */
  readonly shapes: readonly (readonly number[])[];
  /** Options of the layer that are plain values. */
  readonly options: Readonly<Record<string, string | number | boolean | readonly number[]>>;
}

/** Version of GraphDef: one that TensorBoard and TensorFlow 2 read. */
const producer = 27;

export const graphBytes = (nodes: readonly GraphNode[]): Uint8Array =>
  fields(...nodes.map((node) => bytesField(1, nodeBytes(node))), bytesField(4, integerField(1, producer)));

function nodeBytes({ name, kind, inputs, shapes, options }: GraphNode): Uint8Array {
  const attributes = Object.entries(options).map(([option, value]) => [option, attributeBytes(value)] as const);
  return fields(
    textField(1, name),
    textField(2, kind),
    ...inputs.map((input) => textField(3, input)),
    mapField(5, shapes.length ? [...attributes, ['_output_shapes', shapesBytes(shapes)]] : attributes),
  );
}

/** A value of AttrValue. */
function attributeBytes(value: GraphNode['options'][string]): Uint8Array {
  if (typeof value === 'string') return textField(2, value);
  if (typeof value === 'boolean') return integerField(5, Number(value));
  if (typeof value === 'number') return Number.isSafeInteger(value) ? integerField(3, value) : floatField(4, value);
  const areIntegers = value.every((element) => Number.isSafeInteger(element));
  return bytesField(1, fields(...value.map((element) => (areIntegers ? integerField(3, element) : floatField(4, element)))));
}

const shapesBytes = (shapes: GraphNode['shapes']): Uint8Array =>
  bytesField(1, fields(...shapes.map((shape) => bytesField(7, fields(...shape.map((size) => bytesField(2, integerField(1, size))))))));
