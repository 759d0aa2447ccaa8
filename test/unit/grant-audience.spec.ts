import { VERSION_NEUTRAL } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { audienceOf } from '../../lib/grant/audience.js';

describe('the audience of a registration', () => {
  it.each<[Parameters<typeof audienceOf>[0], string]>([
    [undefined, 'authkit-grant-service'],
    [{}, '/authkit-token'],
    [{ path: '/authkit-token/' }, '/authkit-token'],
    [{ path: 'team//token' }, '/team/token'],
    [{ path: '' }, '/'],
    [{ path: '/' }, '/'],
    [{ version: '2' }, '/authkit-token#2'],
    [{ version: ['1', '2'] }, '/authkit-token#1,2'],
    [{ version: VERSION_NEUTRAL }, '/authkit-token#neutral'],
  ])('of %p is %s', (route, audience) => {
    expect(audienceOf(route)).toBe(audience);
  });
});
