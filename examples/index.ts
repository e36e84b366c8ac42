// All examples by name. Each is a module that loads when it is chosen: `npm run example -- regression`.
import type { Example } from './example.ts';

export interface ExampleEntry {
  /** One sentence for the list. */
  readonly about: string;
  /** Whether it can use the files of CIFAR-10 instead. */
  readonly takesCifar?: boolean;
  readonly load: () => Promise<Example>;
}

export const examples: Readonly<Record<string, ExampleEntry>> = {
  regression: {
    about: 'a line through noisy points, by gradients and updates of your own',
    load: async () => (await import('./regression.ts')).regression,
  },
  mnist: {
    about: 'a convolutional network for MNIST, with augmentation and a falling learning rate',
    load: async () => (await import('./mnist.ts')).mnist,
  },
  characters: {
    about: 'an LSTM that learns the characters of a book and continues a line',
    load: async () => (await import('./characters.ts')).characters,
  },
  gpt: {
    about: 'a small GPT over characters, with generation',
    load: async () => (await import('./gpt.ts')).gpt,
  },
  dates: {
    about: 'sequence to sequence with attention: written dates become ISO 8601',
    load: async () => (await import('./dates.ts')).dates,
  },
  vae: {
    about: 'a variational autoencoder with a plane of digits',
    load: async () => (await import('./vae.ts')).vae,
  },
  gan: {
    about: 'a Wasserstein GAN with gradient penalty that draws digits',
    load: async () => (await import('./gan.ts')).gan,
  },
  cartpole: {
    about: 'a deep Q-network that balances a pole on a cart',
    load: async () => (await import('./cartpole.ts')).cartpole,
  },
  transfer: {
    about: 'a saved network learns three new classes from five images of each',
    load: async () => (await import('./transfer.ts')).transfer,
  },
  unet: {
    about: 'a U-Net that finds discs and squares in pictures with a texture',
    load: async () => (await import('./unet.ts')).unet,
  },
  diffusion: {
    about: 'a diffusion model that turns noise into digits',
    load: async () => (await import('./diffusion.ts')).diffusion,
  },
  automaton: {
    about: 'a neural cellular automaton that grows a picture from one cell and keeps it',
    load: async () => (await import('./automaton.ts')).automaton,
  },
  simclr: {
    about: 'contrastive training without labels, then a linear layer that learns from a few',
    load: async () => (await import('./simclr.ts')).simclr,
  },
  ctc: {
    about: 'connectionist temporal classification that reads rows of digits',
    load: async () => (await import('./ctc.ts')).ctc,
  },
  pinn: {
    about: 'a physics-informed network that solves the heat equation',
    load: async () => (await import('./pinn.ts')).pinn,
  },
  table: {
    about: 'iris flowers with a rare species: normalization, class weights, focal loss',
    load: async () => (await import('./table.ts')).table,
  },
  series: {
    about: 'a GRU forecasts the next day of a generated weather series',
    load: async () => (await import('./series.ts')).series,
  },
  sentiment: {
    about: 'finds positive and negative sentences of reviews, by convolutions over words',
    load: async () => (await import('./sentiment.ts')).sentiment,
  },
  lora: {
    about: 'LoRA teaches the mini GPT another text, with its weights frozen',
    load: async () => (await import('./lora.ts')).lora,
  },
  distillation: {
    about: 'a small network learns digits from the outputs of a large one',
    load: async () => (await import('./distillation.ts')).distillation,
  },
  federated: {
    about: 'two networks with different digits are averaged in rounds',
    load: async () => (await import('./federated.ts')).federated,
  },
  robust: {
    about: 'adversarial training against FGSM and PGD',
    load: async () => (await import('./robust.ts')).robust,
  },
  tasks: {
    about: 'one network with two outputs, and four ways to combine their losses',
    load: async () => (await import('./tasks.ts')).tasks,
  },
  resnet: {
    about: 'a residual network with augmentation, for MNIST or CIFAR-10',
    takesCifar: true,
    load: async () => (await import('./resnet.ts')).resnet,
  },
};
