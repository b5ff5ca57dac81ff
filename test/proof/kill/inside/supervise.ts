/** A supervisor that starts again at once, however often a part ended: hundreds of ends in a row are the programme's own doing. */
import { pause } from '#platform/backoff.ts';
import { Supervised as Real } from '../../../../services/local/supervise.ts';

const pauseMsMax = 100;

export const Supervised = {
  start: (...[start, options]: Parameters<typeof Real.start>) =>
    Real.start(start, { ...options, wait: (ms, signal) => pause(Math.min(ms, pauseMsMax), signal) }),
};
