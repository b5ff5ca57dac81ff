/** The services of the system, in the order in which they are stopped: first nothing new comes in, then what runs is brought to an end, then the last facts are told. */
import { fileURLToPath } from 'node:url';
import { apiConfig } from '../api/config.ts';
import { projectorConfig } from '../projector/config.ts';
import { workerConfig } from '../worker/config.ts';
import type { Service } from './system.ts';

const mainOf = (name: string): string => fileURLToPath(new URL(`../${name}/main.ts`, import.meta.url));

export const services: readonly Service[] = [
  { name: 'api', main: mainOf('api'), config: apiConfig },
  { name: 'worker', main: mainOf('worker'), config: workerConfig },
  { name: 'projector', main: mainOf('projector'), config: projectorConfig },
];
