// The settings form: fills its menus, disables incompatible choices, and reads it into a checked configuration.
import type { DeviceChoice, TrainingConfig } from './protocol.ts';
import { type LossName, type ModelName, type OptimizerName, learningRateFor, lossNames, recipes } from './recipes.ts';

export const mnistTrainSize = 60_000;

const lossTitles: Readonly<Record<LossName, string>> = {
  sparseCategoricalCrossentropy: 'Sparse cross-entropy',
  categoricalCrossentropy: 'Categorical cross-entropy',
  binaryCrossentropy: 'Binary cross-entropy',
  meanSquaredError: 'Mean squared error',
  meanAbsoluteError: 'Mean absolute error',
};

const optimizerTitles: Readonly<Record<OptimizerName, string>> = {
  sgd: 'SGD',
  adagrad: 'Adagrad',
  adadelta: 'Adadelta',
  rmsprop: 'RMSprop',
  adam: 'Adam',
};

interface NumberField {
  readonly name: 'learningRate' | 'batchSize' | 'epochs' | 'trainSize' | 'seed';
  readonly title: string;
  readonly integer: boolean;
  readonly min: number;
  readonly max: number;
}

const numberFields: readonly NumberField[] = [
  { name: 'learningRate', title: 'Learning rate', integer: false, min: 0, max: 100 },
  { name: 'batchSize', title: 'Batch size', integer: true, min: 1, max: 4096 },
  { name: 'epochs', title: 'Epochs', integer: true, min: 1, max: 1000 },
  { name: 'trainSize', title: 'Training images', integer: true, min: 100, max: mnistTrainSize },
  { name: 'seed', title: 'Seed', integer: true, min: 0, max: Number.MAX_SAFE_INTEGER },
];

/** Error text for one field, shown on the page. */
export class SettingsError extends Error {
  readonly field: HTMLElement;
  constructor(field: HTMLElement, message: string) {
    super(message);
    this.field = field;
  }
}

const typed = <K extends string>(record: Readonly<Record<K, unknown>>): K[] => Object.keys(record) as K[];

function fill<K extends string>(select: HTMLSelectElement, titles: Readonly<Record<K, string>>): void {
  select.replaceChildren(...typed(titles).map((name) => new Option(titles[name], name)));
}

export interface Settings {
  readonly model: ModelName;
  readonly device: DeviceChoice;
  /** @throws SettingsError for the first invalid field. */
  read(): TrainingConfig;
  setEnabled(enabled: boolean): void;
}

export function createSettings(form: HTMLFormElement, onDevice: (device: DeviceChoice) => void): Settings {
  const select = (name: string): HTMLSelectElement => form.querySelector<HTMLSelectElement>(`select[name=${name}]`)!;
  const input = (name: string): HTMLInputElement => form.querySelector<HTMLInputElement>(`input[name=${name}]`)!;
  const model = select('model');
  const loss = select('loss');
  const optimizer = select('optimizer');
  const device = select('device');
  const modelName = (): ModelName => model.value as ModelName;

  fill(model, Object.fromEntries(typed(recipes).map((name) => [name, recipes[name].title])) as Record<ModelName, string>);
  fill(loss, lossTitles);
  fill(optimizer, optimizerTitles);

  // Typed values are kept when the model or the optimizer changes. The usual values are shown next to them.
  const usual = { learningRate: '', batchSize: '' };
  type Suggested = keyof typeof usual;
  const showUsual = (name: Suggested): void => {
    const differs = input(name).value.trim() !== usual[name];
    form.querySelector(`#${name}-note`)!.textContent = differs ? `usual here: ${usual[name]}` : '';
  };
  const suggest = (name: Suggested, value: number): void => {
    const typed = input(name).value.trim() !== usual[name];
    usual[name] = String(value);
    if (!typed) input(name).value = usual[name];
    showUsual(name);
  };
  for (const name of ['learningRate', 'batchSize'] as const) input(name).addEventListener('input', () => showUsual(name));

  const useOptimizer = (): void => suggest('learningRate', learningRateFor(modelName(), optimizer.value as OptimizerName));
  const useModel = (): void => {
    const recipe = recipes[modelName()];
    form.querySelector('#model-note')!.textContent = recipe.description;
    for (const option of loss.options) option.disabled = !recipe.losses.includes(option.value as LossName);
    loss.value = recipe.defaults.loss;
    optimizer.value = recipe.defaults.optimizer;
    suggest('batchSize', recipe.defaults.batchSize);
    useOptimizer();
  };
  model.addEventListener('change', useModel);
  optimizer.addEventListener('change', useOptimizer);
  device.addEventListener('change', () => onDevice(device.value as DeviceChoice));
  form.addEventListener('input', (event) => (event.target as HTMLElement).removeAttribute('aria-invalid'));
  useModel();

  const number = ({ name, title, integer, min, max }: NumberField): number => {
    const field = input(name);
    const text = field.value.trim();
    const value = Number(text);
    const fits = text !== '' && Number.isFinite(value) && (integer ? Number.isInteger(value) && value >= min : value > min) && value <= max;
    field.toggleAttribute('aria-invalid', false);
    if (fits) return value;
    field.setAttribute('aria-invalid', 'true');
    const rule = integer ? `a whole number from ${min} to ${max}` : `a number above ${min} and up to ${max}, such as 0.001`;
    throw new SettingsError(field, `${title} is “${text}”; use ${rule}.`);
  };

  return {
    get model() {
      return modelName();
    },
    get device() {
      return device.value as DeviceChoice;
    },
    read() {
      const [learningRate, batchSize, epochs, trainSize, seed] = numberFields.map(number);
      const chosen = loss.value as LossName;
      if (!lossNames.includes(chosen) || !recipes[modelName()].losses.includes(chosen)) {
        throw new SettingsError(loss, `${lossTitles[chosen]} does not fit ${recipes[modelName()].title}; choose another loss.`);
      }
      return {
        model: modelName(),
        loss: chosen,
        optimizer: optimizer.value as OptimizerName,
        learningRate,
        batchSize,
        epochs,
        trainSize,
        seed,
        device: device.value as DeviceChoice,
      };
    },
    setEnabled(enabled) {
      form.querySelector('fieldset')!.disabled = !enabled;
    },
  };
}
