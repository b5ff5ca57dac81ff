/** Loaded with `--import` into a service whose memory is measured: SIGUSR2 collects its garbage first. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';

setFlagsFromString('--expose-gc');
const Collect = z.custom<() => void>((value) => typeof value === 'function');
const collect = Collect.parse(runInNewContext('gc'));
process.on('SIGUSR2', () => collect());
