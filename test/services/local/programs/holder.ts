/** Holds the data directory that is named until it is killed. */
import { holdDataDir } from '../../../../services/local/data-dir.ts';

using _held = holdDataDir(process.argv[2] ?? '');
process.stdout.write('held\n');
await new Promise((resolve) => setTimeout(resolve, 60_000));
