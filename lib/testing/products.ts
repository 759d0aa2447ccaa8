/**
 * Well-known products by category, in each the best known first.
 * Adding one moves the ids of those behind it: append rather than insert.
 */
export const PRODUCTS_BY_CATEGORY: Readonly<Record<string, string>> = {
  Email:
    'Gmail, Outlook Mail, SendGrid, Mailgun, Postmark, Resend, Amazon SES, Front, Fastmail, Zoho Mail',
  Communication:
    'Slack, Microsoft Teams, Discord, Twilio, Zoom, Telegram, WhatsApp Business, Google Meet, Webex, RingCentral, Vonage, Mattermost',
  CRM: 'Salesforce, HubSpot, Pipedrive, Zoho CRM, Attio, Close, Copper, Freshsales, Insightly, Microsoft Dynamics 365, Streak, Folk',
  Knowledge:
    'Notion, Confluence, Coda, GitBook, Guru, Slite, Evernote, Roam Research, Document360',
  Payments:
    'Stripe, PayPal, Square, Adyen, Braintree, GoCardless, Mollie, Razorpay, Paddle, Chargebee, Recurly, Lemon Squeezy',
  Commerce:
    'Shopify, WooCommerce, BigCommerce, Adobe Commerce, Etsy, Amazon Seller Central, eBay, PrestaShop, Wix, Ecwid',
  Calendar:
    'Google Calendar, Outlook Calendar, Calendly, Cal.com, Acuity Scheduling, SavvyCal, Doodle',
  'File Storage':
    'Google Drive, Dropbox, OneDrive, Box, Amazon S3, SharePoint, Egnyte, Backblaze B2, Nextcloud',
  'Project Management':
    'Jira, Asana, Linear, Trello, monday.com, ClickUp, Basecamp, Wrike, Smartsheet, Todoist, Teamwork, Shortcut',
  'Developer Tools':
    'GitHub, GitLab, Bitbucket, Vercel, Netlify, CircleCI, Sentry, Postman, Docker Hub, Azure DevOps, Jenkins, Buildkite',
  Support:
    'Zendesk, Intercom, Freshdesk, Help Scout, Gorgias, Zoho Desk, Crisp, LiveChat, Drift, Kustomer, Jira Service Management',
  Accounting:
    'QuickBooks, Xero, FreshBooks, Wave, Sage Intacct, NetSuite, Zoho Books, BILL, Ramp, Brex, Expensify, FreeAgent',
  Marketing:
    'Mailchimp, Klaviyo, ActiveCampaign, Marketo, Constant Contact, Kit, Brevo, Customer.io, Braze, Iterable, Drip, Omnisend',
  Databases:
    'Airtable, PostgreSQL, MongoDB Atlas, Supabase, Firebase, Snowflake, BigQuery, MySQL, Redis, Elasticsearch, Databricks, Neon',
  Analytics:
    'Google Analytics, Mixpanel, Amplitude, PostHog, Segment, Heap, Hotjar, FullStory, Looker, Metabase, Tableau, Power BI',
  HR: 'BambooHR, Workday, Gusto, Rippling, Deel, HiBob, Personio, ADP, Paychex, Remote, UKG',
  Recruiting:
    'Greenhouse, Lever, Ashby, Workable, SmartRecruiters, Recruitee, Teamtailor, JazzHR, Jobvite',
  'Social Media':
    'LinkedIn, X, Facebook Pages, Instagram, TikTok, YouTube, Reddit, Pinterest, Buffer, Hootsuite, Mastodon',
  AI: 'OpenAI, Anthropic, Google Gemini, Mistral AI, Cohere, Perplexity, Hugging Face, Replicate, ElevenLabs, Stability AI, Pinecone, Tavily',
  Documents:
    'Google Sheets, Google Docs, DocuSign, PandaDoc, Dropbox Sign, Adobe Acrobat Sign, Microsoft Excel, SignNow, Formstack',
  Forms:
    'Typeform, Google Forms, SurveyMonkey, Jotform, Tally, Qualtrics, Fillout, Delighted',
  Design: 'Figma, Canva, Miro, Webflow, Framer, Lucidchart, Whimsical, Sketch',
  Content:
    'WordPress, Contentful, Sanity, Ghost, Strapi, Drupal, Storyblok, Prismic, DatoCMS',
  Advertising:
    'Google Ads, Meta Ads, LinkedIn Ads, TikTok Ads, Microsoft Advertising, Reddit Ads, AdRoll',
  'Sales Engagement':
    'Apollo, Outreach, Salesloft, Gong, ZoomInfo, Clearbit, Lemlist, Hunter, Clay',
  Operations:
    'Datadog, PagerDuty, Opsgenie, New Relic, Grafana, Cloudflare, DigitalOcean, AWS Lambda, Statuspage, LogRocket',
  Identity: 'Okta, Auth0, OneLogin, 1Password, JumpCloud',
  Shipping: 'ShipStation, Shippo, EasyPost, FedEx, UPS, DHL',
};
