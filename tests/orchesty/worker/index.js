'use strict';
// A worker made of unmodified packages: the Orchesty SDK and its published connectors. What is ours are actions that do
// what a test tells them, and two applications. `POST /told` sets what they do, `GET /seen` says how they were called.

const SDK = '@orchesty/nodejs-sdk/dist/lib';
const LIB = '@orchesty/nodejs-connectors/dist/lib';
const { container, expressApp, initiateContainer, listen } = require(SDK);
const take = (path) => require(path).default;
const AConnector = take(`${SDK}/Connector/AConnector`);
const ACommonNode = take(`${SDK}/Commons/ACommonNode`);
const ABatchNode = take(`${SDK}/Batch/ABatchNode`);
const OnRepeatException = take(`${SDK}/Exception/OnRepeatException`);
const OnStopAndFailException = take(`${SDK}/Exception/OnStopAndFailException`);
const CurlSender = take(`${SDK}/Transport/Curl/CurlSender`);
const ProcessDto = take(`${SDK}/Utils/ProcessDto`);
const RequestDto = take(`${SDK}/Transport/Curl/RequestDto`);
const TopologyRunner = take(`${SDK}/Topology/TopologyRunner`);
const logger = take(`${SDK}/Logger/Logger`);
const Form = take(`${SDK}/Application/Model/Form/Form`);
const Field = take(`${SDK}/Application/Model/Form/Field`);
const FormStack = take(`${SDK}/Application/Model/Form/FormStack`);
const WebhookSubscription = take(`${SDK}/Application/Model/Webhook/WebhookSubscription`);
const CustomAction = take(`${SDK}/Application/Model/CustomAction/CustomAction`);
const { ABasicApplication } = require(`${SDK}/Authorization/Type/Basic/ABasicApplication`);
const AOAuth2Application = take(`${SDK}/Authorization/Type/OAuth2/AOAuth2Application`);
const { OAuth2Provider } = require(`${SDK}/Authorization/Provider/OAuth2/OAuth2Provider`);

const OTHER = process.env.OTHER_SYSTEM; // the system that our two applications stand for
const told = {};
const seen = {};

// One call of an action: note it, and take the next thing that the test told; the last one stays.
function next(name, dto, body) {
  (seen[name] = seen[name] || []).push({ headers: { ...dto.getHeaders() }, body });
  const acts = told[name] || [{}];
  return acts.length > 1 ? acts.shift() : acts[0];
}

async function act(name, dto, body) {
  const what = next(name, dto, body);
  Object.entries(what.add || {}).forEach(([key, value]) => dto.addHeader(key, value));
  (what.remove || []).forEach((key) => dto.removeHeader(key));
  if (what.removeAll) dto.removeHeaders();
  if (what.log) logger.error(what.log, dto, true, new Error('a fault of the test'));
  if (what.fail) throw new Error(what.fail);
  if (what.nothing) throw undefined;
  if (what.repeatException) throw new OnRepeatException(...what.repeatException);
  if (what.stopException) throw new OnStopAndFailException(what.stopException);
  if (what.repeat) dto.setRepeater(...what.repeat);
  if (what.code !== undefined) dto.setStopProcess(what.code, what.reason || 'as told');
  if (what.raw !== undefined) dto.addHeader('result-code', what.raw);
  if (what.limited) dto.setLimitExceeded(what.limited);
  if (what.force) dto.setForceFollowers(...what.force);
  if (what.data !== undefined) dto.setData(what.data);
  if (what.run) await container.get(TopologyRunner).runByName(...what.run.slice(0, 3), dto, ...what.run.slice(3));
  return what;
}

class Connector extends AConnector {
  constructor(name) { super(); this.name = name; }
  getName() { return this.name; }
  async processAction(dto) {
    const what = await act(this.name, dto, dto.getData());
    if (what.call) {
      const answer = await this.getSender().send(new RequestDto(what.call, 'GET', dto));
      dto.setData(answer.getBody());
    }
    return dto;
  }
}

class Custom extends ACommonNode {
  constructor(name) { super(); this.name = name; }
  getName() { return this.name; }
  async processAction(dto) { await act(this.name, dto, dto.getData()); return dto; }
}

class Batch extends ABatchNode {
  constructor(name) { super(); this.name = name; }
  getName() { return this.name; }
  async processAction(dto) {
    const what = await act(this.name, dto, dto.getData());
    (what.items || []).forEach((item) => dto.addItem(item.body, item.user, item.limit, item.headers));
    if (what.cursor) dto.setBatchCursor(what.cursor, what.only === true);
    return dto;
  }
}

class Shop extends ABasicApplication {
  getName() { return 'shop'; }
  getPublicName() { return 'Shop'; }
  getDescription() { return 'A shop of the tests'; }
  getApplicationType() { return 'webhook'; }
  getFormStack() {
    const form = new Form('authorization_form', 'Authorization')
      .addField(new Field('text', 'user', 'User', undefined, true))
      .addField(new Field('password', 'password', 'Password', undefined, true));
    return new FormStack().addForm(form);
  }
  isAuthorized(install) {
    const form = install.getSettings().authorization_form;
    return Boolean(form && form.user && form.password);
  }
  getRequestDto(dto, install, method, url, data) { return new RequestDto(url, method, dto, data); }
  getGlobalLimits() { return { useLimit: true, time: 1, value: 50 }; }
  getCustomActions() { return [new CustomAction('Tell', 'call', { topologyName: 'shop-process', nodeName: 'start', body: '{}' })]; }
  getWebhookSubscriptions() { return [new WebhookSubscription('order-made', 'start', '', {})]; }
  getWebhookSubscribeRequestDto(install, subscription, url) {
    return new RequestDto(`${OTHER}/subscribe`, 'POST', ProcessDto.createForFormRequest('shop', install.getUser(), 'form'),
      JSON.stringify({ event: subscription.getName(), url }), { 'Content-Type': 'application/json' });
  }
  getWebhookUnsubscribeRequestDto(install, webhook) {
    return new RequestDto(`${OTHER}/unsubscribe`, 'POST', ProcessDto.createForFormRequest('shop', install.getUser(), 'form'),
      JSON.stringify({ id: webhook.getWebhookId() }), { 'Content-Type': 'application/json' });
  }
  processWebhookSubscribeResponse(dto) { return JSON.parse(dto.getBody()).id; }
  processWebhookUnsubscribeResponse(dto) { return dto.getResponseCode() === 200; }
  async syncListStates() { return ['open', 'closed']; }
  async syncEcho(request) { return { got: JSON.parse(request.body) }; }
  async syncAfterEnableCallback(request) { (seen.callback = seen.callback || []).push(JSON.parse(request.body)); }
}

class Crm extends AOAuth2Application {
  getName() { return 'crm'; }
  getPublicName() { return 'CRM'; }
  getDescription() { return 'A CRM of the tests, with OAuth 2'; }
  getAuthUrl() { return `${OTHER}/authorize`; }
  getTokenUrl() { return `${OTHER}/token`; }
  getScopes() { return ['contacts']; }
  getFormStack() {
    const form = new Form('authorization_form', 'Authorization')
      .addField(new Field('text', 'client_id', 'Client id', undefined, true))
      .addField(new Field('password', 'client_secret', 'Client secret', undefined, true));
    return new FormStack().addForm(form);
  }
  getRequestDto(dto, install, method, url, data) { return new RequestDto(url, method, dto, data); }
}

// Answers that the Node SDK cannot give: any status, any headers of HTTP, any body; or none at all. So does Orchesty's PHP
// SDK ask for a repeat: headers of the message as headers of HTTP, and the body as it is.
expressApp.use((request, response, following) => {
  const name = /^\/connector\/(raw-\d+)\/action$/.exec(request.url)?.[1];
  if (!name) { following(); return; }
  const { headers, body } = JSON.parse(request.body);
  const what = next(name, { getHeaders: () => headers }, body);
  if (what.hangUp) { request.socket.destroy(); return; }
  Object.entries(what.http || {}).forEach(([key, value]) => response.setHeader(key, String(value)));
  response.status(what.status || 200).send(what.text === undefined ? body : what.text);
});

initiateContainer();
const sender = container.get(CurlSender);
const shop = new Shop();
container.setApplication(shop);
container.setApplication(new Crm(container.get(OAuth2Provider)));
for (let n = 1; n <= 40; n += 1) {
  container.setConnector(new Connector(`con-${n}`).setSender(sender));
  container.setCustomNode(new Custom(`cus-${n}`));
  container.setBatch(new Batch(`bat-${n}`));
}
for (let n = 1; n <= 4; n += 1) {
  container.setNode(new Connector(`shop-con-${n}`).setSender(sender).setApplication(shop));
}

const WooCommerce = take(`${LIB}/WooCommerce/WooCommerceApplication`);
const wooCommerce = new WooCommerce();
container.setApplication(wooCommerce);
container.setNode(new (take(`${LIB}/WooCommerce/Batch/WooCommerceGetProducts`))(), wooCommerce);
container.setNode(new (take(`${LIB}/WooCommerce/Connector/WooCommerceGetProduct`))(), wooCommerce);
container.setNode(new (take(`${LIB}/Common/OAuth2/GetApplicationForRefreshBatchConnector`))());
container.setNode(new (take(`${LIB}/Common/OAuth2/RefreshOAuth2TokenNode`))(container));
const EventStatusFilter = take(`${LIB}/Common/EventStatusFilter/EventStatusFilter`);
['processSuccess', 'processFailed', 'messageInTrash'].forEach((type) => container.setCustomNode(new EventStatusFilter(type)));

expressApp.get('/seen', (request, response) => response.json(seen));
expressApp.post('/told', (request, response) => { Object.assign(told, JSON.parse(request.body)); response.json({}); });

// The SDK listens on every interface and says nothing of the port it got.
const listening = expressApp.listen.bind(expressApp);
expressApp.listen = (port) => {
  const server = listening(Number(port), '127.0.0.1', () => process.stdout.write(`PORT ${server.address().port}\n`));
  return server;
};
listen();
