// Object headers: the messages of a group or a data set. Version 1 (before HDF5 1.8), and version 2 with checksums.
import { type Hdf5Bytes, Part, partAt } from './part.ts';

/** Types of messages that are read. */
export const messageTypes = {
  dataspace: 1,
  linkInfo: 2,
  datatype: 3,
  fillValue: 5,
  link: 6,
  externalFiles: 7,
  layout: 8,
  filters: 11,
  attribute: 12,
  continuation: 16,
  symbolTable: 17,
  attributeInfo: 21,
} as const;

export type MessageType = keyof typeof messageTypes;

export interface Message {
  readonly type: number;
  readonly isShared: boolean;
  readonly body: Uint8Array;
}

export interface ObjectHeader {
  readonly what: string;
  readonly messages: readonly Message[];
}

/** Every message has a header of at least 4 bytes, so a file of this many messages has at least 4 MB in one object. */
const maxMessages = 1 << 20;
const sharedFlag = 2;

/** Reads all messages of the object at a position, with those of its continuations. */
export function readObjectHeader(file: Hdf5Bytes, address: number, name: string): ObjectHeader {
  const what = `the object header of ${name}`;
  const start = partAt(file, address, what);
  const messages = start.bytes[0] === 0x4f ? readVersion2(start, what) : readVersion1(start, what);
  return { what, messages };
}

function readVersion1(start: Part, what: string): Message[] {
  const { file } = start;
  const version = start.u8();
  if (version !== 1) file.refuse(`${what} has the version ${version}; 1 and 2 are read`);
  start.skip(1);
  const count = start.u16();
  start.skip(4);
  const size = start.u32();
  start.skip(4);
  const blocks = [start.part(size, what)];
  const seen = new Set<number>();
  const messages: Message[] = [];
  for (let block = blocks.shift(); block; block = blocks.shift()) {
    while (block.left >= 8 && messages.length < count) {
      const type = block.u16();
      const length = block.u16();
      const flags = block.u8();
      block.skip(3);
      const body = block.take(length);
      messages.push({ type, isShared: (flags & sharedFlag) !== 0, body });
      if (type === messageTypes.continuation) blocks.push(continuation(new Part(file, body, what), seen));
    }
  }
  return messages;
}

function readVersion2(start: Part, what: string): Message[] {
  const { file } = start;
  start.signature('OHDR');
  const version = start.u8();
  if (version !== 2) file.refuse(`${what} has the version ${version}; 1 and 2 are read`);
  const flags = start.u8();
  if (flags & 0x20) start.skip(16);
  if (flags & 0x10) start.skip(4);
  const size = start.uint(1 << (flags & 3));
  const first = start.part(size, what);
  start.check();
  const blocks = [first];
  const seen = new Set<number>();
  const messages: Message[] = [];
  for (let block = blocks.shift(); block; block = blocks.shift()) {
    const headerBytes = flags & 4 ? 6 : 4;
    // A gap that is too short for a message may follow.
    while (block.left >= headerBytes) {
      const type = block.u8();
      const length = block.u16();
      const messageFlags = block.u8();
      if (flags & 4) block.skip(2);
      const body = block.take(length);
      messages.push({ type, isShared: (messageFlags & sharedFlag) !== 0, body });
      if (messages.length > maxMessages) file.refuse(`${what} has more than ${maxMessages} messages`);
      if (type !== messageTypes.continuation) continue;
      const next = continuation(new Part(file, body, what), seen);
      next.signature('OCHK');
      const content = next.part(next.left - 4, what);
      next.check();
      blocks.push(content);
    }
  }
  return messages;
}

/** The block that a continuation message names. A block that was read before is a loop. */
function continuation(message: Part, seen: Set<number>): Part {
  const address = message.place();
  if (seen.has(address)) message.refuse(`${message.what} goes on at byte ${address} twice; blocks must not form a loop`);
  seen.add(address);
  return partAt(message.file, address, message.what, message.length());
}

/** The bodies of all messages of a type. */
export function messagesOf(file: Hdf5Bytes, header: ObjectHeader, type: MessageType): Part[] {
  const found = header.messages.filter((message) => message.type === messageTypes[type]);
  if (found.some(({ isShared }) => isShared))
    file.refuse(`${header.what} has a shared ${type} message; a message in the header itself is read`);
  return found.map(({ body }) => new Part(file, body, `the ${type} message in ${header.what}`));
}

/** The body of the only message of a type. */
export function messageOf(file: Hdf5Bytes, header: ObjectHeader, type: MessageType): Part | undefined {
  const found = messagesOf(file, header, type);
  if (found.length > 1) file.refuse(`${header.what} has ${found.length} ${type} messages; at most one is possible`);
  return found[0];
}
