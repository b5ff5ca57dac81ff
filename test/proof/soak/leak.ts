/** Preloaded into a service that must be caught: with every request it keeps a kilobyte and a timer, and with every third a descriptor, as `LEAK` says. */
import { channel } from 'node:diagnostics_channel';
import { openSync } from 'node:fs';

const leaks = process.env['LEAK']?.split(',') ?? [];
const kept: string[] = [];

const keep = (): void => {
  if (leaks.includes('memory')) kept.push(`${kept.length}`.padEnd(1_024, Math.random().toString(36)));
  if (leaks.includes('descriptors') && kept.length % 3 === 0) openSync('/dev/null', 'r');
  if (leaks.includes('timers')) setTimeout(() => undefined, 3_600_000);
};

channel('http.server.request.start').subscribe(keep);
