// The model of the best trial: kept during the search, or trained again afterwards.
import { ArgumentError } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Model } from '../train/model.ts';
import { type ObjectiveDirection, type TrialRecord, type TrialReport, bestReport, isBetter } from './records.ts';
import { SearchError, type TrialOutcome, type TrialSetting, runTrial } from './runTrial.ts';

/** Weights of the best epoch so far, with their model. At most one model is kept. */
export class BestModel {
  private readonly keeps: boolean;
  /** The model of an earlier trial, and the function that frees it. */
  private kept: { readonly model: Model; readonly weights: readonly Tensor[]; readonly free: () => Promise<void> } | undefined;
  /** The model of the trial under way, if it is the best one so far. */
  private candidate: { readonly model: Model; readonly weights: readonly Tensor[] } | undefined;
  private found: Promise<Model> | undefined;

  constructor(keeps: boolean) {
    this.keeps = keeps;
  }

  /** Copies the weights if the last report is better than all before it, and than the best value of earlier trials. */
  async consider(model: Model, reports: readonly TrialReport[], best: number | undefined, direction: ObjectiveDirection): Promise<void> {
    const last = reports[reports.length - 1];
    if (!this.keeps || bestReport(reports, direction) !== last) return;
    if (best !== undefined && !isBetter(direction, last.value, best)) return;
    this.candidate = { model, weights: await model.getWeights() };
  }

  isOf(model: Model | undefined): boolean {
    return model !== undefined && this.candidate?.model === model;
  }

  /** Keeps the model of the trial that has ended in place of the one before, or drops its weights. */
  async settle(best: TrialOutcome | undefined): Promise<void> {
    const { candidate } = this;
    this.candidate = undefined;
    if (!best || !candidate) return;
    await this.kept?.free();
    this.kept = { ...candidate, free: () => best.free() };
  }

  /** Frees the model that is kept: a search that ends with an error has no result. */
  async drop(): Promise<void> {
    const { kept } = this;
    this.kept = this.candidate = undefined;
    await kept?.free();
  }

  /** The model of the best trial. Trains it again if its weights are not here. */
  get(setting: Omit<TrialSetting, 'prunes' | 'trained'>, best: TrialRecord): Promise<Model> {
    this.found ??= this.make(setting, best).catch((error: unknown) => {
      // The next call tries again.
      this.found = undefined;
      throw error;
    });
    return this.found;
  }

  private async make(setting: Omit<TrialSetting, 'prunes' | 'trained'>, best: TrialRecord): Promise<Model> {
    if (setting.run) {
      throw new ArgumentError('tune: bestModel() is for a search with build and fit; own loops keep their models themselves');
    }
    if (this.kept) {
      await this.kept.model.setWeights(this.kept.weights);
      return this.kept.model;
    }
    const again: TrialSetting = {
      ...setting,
      signal: undefined,
      prunes: (reports) => reports[reports.length - 1].epoch >= best.epoch!,
      trained: () => Promise.resolve(),
    };
    const { error, model } = await runTrial(again, best).catch((thrown: unknown) => {
      throw thrown instanceof SearchError ? thrown.original : thrown;
    });
    if (error !== undefined) throw error as Error;
    return model!;
  }
}
