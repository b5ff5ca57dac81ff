/** A WebSocket client that keeps to no protocol: a handshake, and then whatever bytes. */
import { once } from 'node:events';
import { connect } from 'node:net';

/** The code of the close frame that the server answers with; undefined when it closes without a word. */
export const closeCodeAfter = async (port: number, key: string, bytes: Uint8Array): Promise<number | undefined> => {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const lines = [
    'GET /api/live HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    `authorization: Bearer ${key}`,
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${Buffer.alloc(16).toString('base64')}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await once(socket, 'data');
  socket.write(bytes);
  await once(socket, 'close');
  const heard = Buffer.concat(chunks);
  const frame = heard.subarray(heard.indexOf('\r\n\r\n') + 4);
  return frame.length >= 4 && frame[0] === 0x88 ? frame.readUInt16BE(2) : undefined;
};
