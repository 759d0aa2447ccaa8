import { map, of, switchMap, tap, type Observable } from 'rxjs';
import type { CarefulStore } from '../cache/careful-store.js';
import { Rounds } from '../cache/rounds.js';
import { storeKey } from '../cache/store-key.js';
import {
  checkFlags,
  UnbelievableAnswer,
  type PicaFlags,
} from '../pica/answers.js';
import type { PicaCall } from '../pica/pica.client.js';
import type { SourceOptions } from './ask.js';

/** Keeps of the account's flags whether it is white label. A failure is not kept. */
export function keepFlags(
  askFlags: (call: PicaCall) => Observable<PicaFlags>,
  { vendor, baseUrl }: Pick<SourceOptions, 'vendor' | 'baseUrl'>,
  store: CarefulStore,
): (call: PicaCall) => Observable<PicaFlags> {
  const rounds = new Rounds();
  return (call) => {
    const key = storeKey('flags', call.secretKey, vendor.title, baseUrl);
    return rounds.join(key, call.deadline, (round) => {
      const kept$ = round.look(() => store.read(key, readKept));
      const asked$ = round.once('ask', () =>
        askFlags({ ...call, deadline: round.deadline }).pipe(
          map(({ authkitWhitelist }) => ({
            authkitWhitelist: authkitWhitelist ?? false,
          })),
        ),
      );
      return kept$.pipe(
        switchMap((kept) =>
          kept
            ? of(kept)
            : asked$.pipe(
                tap((flags) =>
                  round.keep(flags, () => store.write(key, flags)),
                ),
              ),
        ),
      );
    });
  };
}

/** @throws {UnbelievableAnswer} for what is not what is kept */
function readKept(value: unknown): PicaFlags {
  const flags = checkFlags(value);
  if (typeof flags.authkitWhitelist !== 'boolean') {
    throw new UnbelievableAnswer('not the flags of an account');
  }
  return flags;
}
