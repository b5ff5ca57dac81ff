/** Chooses where the services die: arms one point at a time in each of them, and knows which points there are. */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonText } from '#platform/json.ts';
import { armedFile, Fired, firedFile, pointsFile, serviceNames } from './control.ts';
import type { ServiceName } from './control.ts';

const linesOf = (path: string): string[] => {
  try {
    // A line that a killed process was writing has no end.
    return readFileSync(path, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
};

export type Arming = {
  /** Every point that any process of the service has passed so far. */
  readonly points: (service: ServiceName) => readonly string[];
  readonly arm: (service: ServiceName, point: string) => void;
  /** Whether the armed point waits for its process still. */
  readonly isArmed: (service: ServiceName) => boolean;
  /** True when the point was still armed. */
  readonly disarm: (service: ServiceName) => boolean;
  readonly fired: () => readonly Fired[];
};

export const arming = (directory: string): Arming => {
  const armed = (service: ServiceName) => join(directory, armedFile(service));
  return {
    points: (service) => [...new Set(linesOf(join(directory, pointsFile(service))))],
    arm: (service, point) => {
      // Whole or not at all, for whoever reads it at this moment.
      const draft = `${armed(service)}.draft`;
      writeFileSync(draft, point);
      renameSync(draft, armed(service));
    },
    isArmed: (service) => readdirSync(directory).includes(armedFile(service)),
    disarm: (service) => {
      try {
        rmSync(armed(service));
        return true;
      } catch {
        return false;
      }
    },
    fired: () =>
      serviceNames.flatMap((service) =>
        linesOf(join(directory, firedFile(service))).map((line) => jsonText(Fired).parse(line)),
      ),
  };
};
