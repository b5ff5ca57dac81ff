import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Screen } from '../../../services/cli/screen.ts';

const erase = '\r\u001b[2K';
const status = (text: string): string => `${erase}\u001b[?7l${text}\u001b[?7h`;

const createScreen = ({ tty = false, env = {} }: { tty?: boolean; env?: NodeJS.ProcessEnv } = {}) => {
  const printed = { out: '', err: '', terminal: '' };
  const sink = (name: 'out' | 'err') => ({
    isTTY: tty,
    write: (text: string) => {
      printed[name] += text;
      printed.terminal += text;
    },
  });
  return { screen: new Screen(sink('out'), sink('err'), env), printed };
};

void suite('without a terminal', () => {
  test('words and lines are on stdout, notes on stderr, and no byte is an escape', () => {
    const { screen, printed } = createScreen();
    screen.status(() => 'working');
    screen.words('Hello ');
    screen.words('world');
    screen.note('read: a file', 'red');
    screen.line('a\nresult');
    screen[Symbol.dispose]();
    assert.deepEqual([printed.out, printed.err], ['Hello world\na\nresult\n', 'read: a file\n']);
  });

  test('words that did not end their line are ended at the end', () => {
    const { screen, printed } = createScreen();
    screen.words('Hello');
    screen[Symbol.dispose]();
    assert.equal(printed.out, 'Hello\n');
  });
});

void suite('on a terminal', () => {
  test('the live line is erased before anything else is printed and drawn again below it', () => {
    const { screen, printed } = createScreen({ tty: true });
    screen.status(() => 'working');
    screen.note('read: a file');
    assert.equal(printed.terminal, `${status('working')}${erase}read: a file\n${status('working')}`);
    screen[Symbol.dispose]();
    assert.ok(printed.terminal.endsWith(erase));
  });

  test('the live line waits while words have not ended their line', () => {
    const { screen, printed } = createScreen({ tty: true });
    screen.status(() => 'working');
    screen.words('Hel');
    screen.words('lo');
    screen.status(() => 'thinking');
    screen.words('\n');
    screen[Symbol.dispose]();
    assert.equal(printed.terminal, `${status('working')}${erase}Hello\n${status('thinking')}${erase}`);
  });

  test('the live line is renewed every second', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { screen, printed } = createScreen({ tty: true });
    let seconds = 0;
    screen.status(() => `${seconds} s`);
    seconds = 7;
    t.mock.timers.tick(1_000);
    screen[Symbol.dispose]();
    assert.ok(printed.err.includes(status('7 s')));
  });

  test('notes have colours, and none with NO_COLOR', () => {
    const coloured = createScreen({ tty: true });
    coloured.screen.note('failed', 'red');
    assert.equal(coloured.printed.err, '\u001b[31mfailed\u001b[39m\n');
    const plain = createScreen({ tty: true, env: { NO_COLOR: '1' } });
    plain.screen.note('failed', 'red');
    assert.equal(plain.printed.err, 'failed\n');
  });
});

test('nothing that is printed can bring control characters of its own', () => {
  const { screen, printed } = createScreen({ tty: true, env: { NO_COLOR: '1' } });
  const hostile = 'a\u001b[2Jb\u009bc';
  screen.line(hostile);
  screen.words(`${hostile}\n`);
  screen.note(`${hostile}\nforged`);
  screen.json({ hostile });
  screen.status(() => hostile);
  const ours = printed.terminal.replaceAll(status('a␛[2Jb\\u009bc'), '');

  assert.doesNotMatch(ours, /[\u001b\u009b]/);
  assert.ok(printed.err.includes('forged\n') && !printed.err.includes('\nforged'));
});
