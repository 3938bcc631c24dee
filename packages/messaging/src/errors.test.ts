import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';
import { expect, test } from 'vitest';
import { apiCodes, isPassing } from './errors.js';

const refusal = (code: number, status: number): Error =>
  new JetStreamApiError({ code: status, err_code: code, description: 'refused' });

test.each([
  ['a stream that is not there yet', apiCodes.streamNotFound, 404],
  ['a consumer that is not there yet', apiCodes.consumerNotFound, 404],
  ['no leader', 10008, 503],
  ['no suitable peers', 10005, 400],
  ['no room on the disk', 10047, 500],
  ['too many consumers', 10026, 400],
  ['a consumer beside another one that is being deleted', 10100, 400],
  ['a code that this release does not know', 99999, 400],
])('%s may pass, and ends no process', (_what, code, status) => {
  expect(isPassing(refusal(code, status))).toBe(true);
});

test.each([
  ['a request that the server cannot read', apiCodes.badRequest],
  ['a stream as nobody may have it', apiCodes.streamConfigInvalid],
  ['subjects that belong to another stream', apiCodes.subjectsOverlap],
])('%s is refused for good', (_what, code) => {
  expect(isPassing(refusal(code, 400))).toBe(false);
});

const asTheLibraryHasIt = (cause: Error): Error => new Error('jetstream is not enabled', { cause });

test('a server that reads its configuration again has no JetStream for an instant, which ends no process', () => {
  expect(isPassing(asTheLibraryHasIt(refusal(apiCodes.notEnabled, 503)))).toBe(true);
  expect(isPassing(asTheLibraryHasIt(new errors.RequestError('no responders')))).toBe(true);
  expect(isPassing(asTheLibraryHasIt(new TypeError('undefined is not a function')))).toBe(false);
});

test('a connection that breaks may pass; a defect of this program does not', () => {
  expect(isPassing(new errors.TimeoutError())).toBe(true);
  expect(isPassing(new TypeError('undefined is not a function'))).toBe(false);
});
