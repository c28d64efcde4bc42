/** Calls over one channel. */
import { Client, credentials } from '@grpc/grpc-js';
import { reached } from '../../src/harness/part.js';
import { runCaller } from '../../src/rpc/caller-process.js';
import { echo } from './method.js';

const client = new Client(`127.0.0.1:${reached<{ port: number }>().port}`, credentials.createInsecure());
const { path, requestSerialize, responseDeserialize } = echo;
runCaller(
  (note) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, note, (error, answer) => {
        if (error) reject(error);
        else if (answer === undefined) reject(new Error('no answer'));
        else resolve(answer);
      });
    }),
);
