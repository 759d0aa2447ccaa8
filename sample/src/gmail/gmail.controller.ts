import {
  BadGatewayException,
  Controller,
  Get,
  Header,
  Inject,
  UseGuards,
} from '@nestjs/common';
import {
  AuthKitIdentityGuard,
  AuthKitPassthroughService,
  CurrentIdentity,
  type AuthKitIdentity,
} from 'nestjs-pica-authkit';
import { SessionGuard } from '../auth/session.guard.js';

interface Label {
  id: string;
  name: string;
}

/** Calls Gmail with the connection of the signed-in user. */
@Controller('gmail')
@UseGuards(SessionGuard, AuthKitIdentityGuard)
export class GmailController {
  constructor(
    @Inject(AuthKitPassthroughService)
    private readonly passthrough: AuthKitPassthroughService,
  ) {}

  /** Without a connection, it responds with 409 and the reason `not_connected` or `reconnect_required`. */
  @Get('labels')
  @Header('Cache-Control', 'no-store')
  async labels(@CurrentIdentity() owner: AuthKitIdentity): Promise<Label[]> {
    const gmail = { platform: 'gmail' };
    const path = 'gmail/v1/users/me/labels';
    const response = await this.passthrough.fetch(owner, gmail, path);
    if (!response.ok) {
      throw new BadGatewayException(`Gmail responds with ${response.status}.`);
    }
    const { labels = [] } = (await response.json()) as { labels?: Label[] };
    return labels.map(({ id, name }) => ({ id, name }));
  }
}
