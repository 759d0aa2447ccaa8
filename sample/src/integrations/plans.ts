import type {
  ConnectionLabelResolver,
  IntegrationFilter,
} from 'nestjs-pica-authkit';
import { findCompany } from '../auth/companies.js';

/** The integrations of the starter plan, by their titles. */
const STARTER: ReadonlySet<string | undefined> = new Set([
  'Gmail',
  'Outlook Mail',
  'Slack',
  'Microsoft Teams',
  'Notion',
  'Google Calendar',
  'Outlook Calendar',
  'Google Drive',
  'Dropbox',
  'Stripe',
  'Trello',
  'Airtable',
]);

/** Decides what the widget and the integrations page show: all integrations in the business plan, twelve in the starter plan. */
export const allowIntegration: IntegrationFilter = ({ title }, identity) => {
  switch (findCompany(identity?.tenant)?.plan) {
    case 'business':
      return true;
    case 'starter':
      return STARTER.has(title);
    default:
      return false;
  }
};

/** Tags each connection with its company, so that the dashboard and `list(owner, { tags })` can tell them apart. */
export const connectionLabel: ConnectionLabelResolver = (identity) => ({
  tags: identity?.tenant === undefined ? [] : [identity.tenant],
});
