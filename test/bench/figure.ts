/** One line of the table: what was measured, what it is compared with, and whether it is good enough. */
import { differenceOf, ratioOf, spreadOf } from './rounds.ts';
import type { Samples, Spread } from './rounds.ts';

export type Unit = 'ms' | 's' | '/s' | 'KB' | 'MB' | 'µs CPU';

type Target = { readonly atMost: number } | { readonly atLeast: number };

type Measured = {
  readonly what: string;
  readonly unit: Unit;
  /** One value per round. */
  readonly ours: Samples;
  readonly target?: Target;
};
type Compared = Measured & { readonly theirs: Samples; readonly with: string };

export type Figure = {
  readonly what: string;
  readonly ours: string;
  readonly comparedWith: string;
  /** What the target is about: a ratio, or an amount. */
  readonly result: string;
  readonly target: string;
  readonly met: 'yes' | 'missed' | '';
};

const digits = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);

const told = ({ median, low, high }: Spread, unit = ''): string =>
  `**${digits(median)}**${unit} (${digits(low)} to ${digits(high)})`;

const isMet = (value: number, target: Target): boolean =>
  'atMost' in target ? value <= target.atMost : value >= target.atLeast;

const judge = (result: Spread, unit: string, target: Target | undefined): Pick<Figure, 'result' | 'target' | 'met'> => {
  if (target === undefined) return { result: told(result, unit), target: '', met: '' };
  const limit = 'atMost' in target ? `≤ ${target.atMost}${unit}` : `≥ ${target.atLeast}${unit}`;
  // A value that could not be measured meets nothing.
  return { result: told(result, unit), target: limit, met: isMet(result.median, target) ? 'yes' : 'missed' };
};

const unitOf = (unit: Unit): string => (unit === '/s' ? unit : ` ${unit}`);
const medianWith = (values: Samples, unit: Unit): string => `${digits(spreadOf(values).median)}${unitOf(unit)}`;

/** Ours as a part of theirs: of two speeds the more the better, of two durations the less. */
export const ratio = ({ what, unit, ours, theirs, with: name, target }: Compared): Figure => ({
  what,
  ours: medianWith(ours, unit),
  comparedWith: `${name}: ${medianWith(theirs, unit)}`,
  ...judge(ratioOf(ours, theirs), '×', target),
});

/** How much ours is above theirs. */
export const excess = ({ what, unit, ours, theirs, with: name, target }: Compared): Figure => ({
  what,
  ours: medianWith(ours, unit),
  comparedWith: `${name}: ${medianWith(theirs, unit)}`,
  ...judge(differenceOf(ours, theirs), unitOf(unit), target),
});

export const amount = ({ what, unit, ours, target }: Measured): Figure => ({
  what,
  ours: medianWith(ours, unit),
  comparedWith: '',
  ...judge(spreadOf(ours), unitOf(unit), target),
});

const columns = ['measurement', 'ours', 'compared with', 'result (least to most of the rounds)', 'target', 'met?'];
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** In Markdown. */
export const tableOf = (figures: readonly Figure[]): string =>
  [
    line(columns),
    line(columns.map(() => '---')),
    ...figures.map(({ what, ours, comparedWith, result, target, met }) =>
      line([what, ours, comparedWith, result, target, met === 'missed' ? '**missed**' : met]),
    ),
  ].join('\n');
