//! The plan of a job and its price: probe the scene, look who offers, plan for them, add it up.

use super::{
    analysis::{Analysis, engine_problem},
    checking, inviting, probe,
    record::JobRecord,
    refusal::{bad_input, chain, failed, missing},
};
use crate::{clock, provider::measure, services::Services};
use rayswarm_api::{
    Problem,
    job::{CurvePoint, QuoteView, SliceChoice, TileChoice},
};
use rayswarm_engines::{SessionPurpose, SessionRequest, layout};
use rayswarm_model::{Amount, Bytes, Frames, Offer, Plan, settings::Device};
use rayswarm_planner::{
    AuditRate, CostMap, ExpectedProviders, PlanRequest, Quote, QuoteError, QuoteRequest, plan as make_plan,
    quote as make_quote, quote_within,
};
use std::{path::Path, time::Duration};

/// How long to wait for the providers a job asks for: nodes that have just started measure themselves first.
const PROVIDERS_PATIENCE: Duration = Duration::from_secs(30);
/// How often to look whether they are there.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Time a provider is expected to need until its first pixel: fetching and opening the scene.
const SETUP: Duration = Duration::from_secs(5);
/// Float channels of a pass, and of the passes every result has.
const CHANNELS_PER_PASS: u32 = 4;

/// Probes, plans and quotes.
pub async fn quote(
    services: &Services,
    record: &JobRecord,
    analysis: &Analysis,
    frames: &Frames,
    folder: &Path,
) -> Result<(Plan, QuoteView), Problem> {
    let learning = learn_cost(services, record, analysis, frames, folder);
    let (cost, offers) = tokio::try_join!(learning, wait_for_offers(services, record, analysis))?;
    let plan = make_plan(PlanRequest {
        facts: &analysis.facts,
        settings: analysis.settings.clone(),
        frames: frames.clone(),
        tiles: tiles(record.request.settings.tiles),
        slices: slices(record.request.settings.slices),
        cost: &cost,
        providers: expected(&offers),
    });
    let plan = plan.map_err(|error| bad_input("cannot_plan", chain(&error)))?;
    let question = QuoteRequest {
        plan: &plan,
        error_permille: cost.relative_error_permille(frames),
        offers: &offers,
        channels: channels(analysis),
        scene: Bytes(std::fs::metadata(&record.request.scene).map_or(0, |file| file.len())),
        setup: SETUP,
        audits: AuditRate::default(),
        adaptive_sampling: analysis.facts.adaptive_sampling,
    };
    let quote = quote_within(&question, record.request.settings.budget).map_err(|error| quote_problem(&error))?;
    let budget = budget(record, &quote, services).await?;
    let left = record.deadline_at.since(clock::now());
    quote.check_deadline(left).map_err(|error| quote_problem(&error))?;
    let curve = curve(&question);
    let view = view(&plan, &quote, budget, curve);
    Ok((plan, view))
}

/// What lower budgets buy: the same job on the cheapest providers only, and on ever more of them.
fn curve(question: &QuoteRequest<'_>) -> Vec<CurvePoint> {
    let mut offers = question.offers.to_vec();
    offers.sort_by_key(|offer| offer.price);
    let mut points: Vec<CurvePoint> = Vec::new();
    for count in 1..=offers.len() {
        let dearer_follows = offers
            .get(count)
            .is_none_or(|next| next.price > offers[count - 1].price);
        if !dearer_follows {
            continue;
        }
        let Ok(quote) = make_quote(&QuoteRequest {
            offers: &offers[..count],
            ..*question
        }) else {
            continue;
        };
        let point = CurvePoint {
            budget: quote.price_high.max(Amount(1)),
            time_s: quote.time_ms as f64 / 1e3,
            providers: u32::try_from(count).unwrap_or(u32::MAX),
            price_cap: quote.price_cap,
        };
        // Money that buys no time is no choice.
        if points.last().is_none_or(|last| point.time_s < last.time_s) {
            points.push(point);
        }
    }
    points
}

/// What the job costs, measured in a session of this machine.
async fn learn_cost(
    services: &Services,
    record: &JobRecord,
    analysis: &Analysis,
    frames: &Frames,
    folder: &Path,
) -> Result<CostMap, Problem> {
    let measured = measure::measure(services, analysis.engine.as_ref(), Device::Cpu).await;
    let measured = measured.map_err(|error| failed("not_measured", format!("{error:#}")))?;
    let view = layout::session_view(&record.request.scene, &analysis.facts);
    let scratch = folder.join("scratch");
    std::fs::create_dir_all(&scratch).map_err(|error| failed("no_scratch", chain(&error)))?;
    let request = SessionRequest {
        purpose: SessionPurpose::Rendering,
        scene: view.scene,
        files: view.files,
        settings: analysis.settings.clone(),
        scratch,
        limits: services.local_limits(),
    };
    let mut session = analysis
        .engine
        .open(request)
        .await
        .map_err(|error| engine_problem(&error))?;
    let speed = measured.milli_wu_per_cpu_second;
    let probed = probe::probe(session.as_mut(), &analysis.facts, &analysis.settings, frames, speed).await;
    session.close().await;
    let probed = probed.map_err(|error| engine_problem(&error))?;
    if let Some(channels) = &probed.channels {
        checking::store_channels(folder, channels).map_err(|error| failed("no_scratch", chain(&error)))?;
    }
    CostMap::fit(&probed.cost).map_err(|error| failed("cost_unknown", chain(&error)))
}

/// The offers that can do the job, once as many as asked for are there.
async fn wait_for_offers(services: &Services, record: &JobRecord, analysis: &Analysis) -> Result<Vec<Offer>, Problem> {
    let wanted = record.request.settings.providers_min.max(1) as usize;
    let (name, version, device) = (
        analysis.engine.name(),
        analysis.engine.version(),
        record.request.settings.device,
    );
    let needs = inviting::needs(name, version, &analysis.facts, device, inviting::ANY_PRICE);
    let looking = async {
        loop {
            let offers = inviting::suitable_offers(services, &needs);
            if offers.len() >= wanted {
                return offers;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(PROVIDERS_PATIENCE, looking).await {
        Ok(offers) => Ok(offers),
        Err(_) => {
            let offers = inviting::suitable_offers(services, &needs);
            if offers.is_empty() {
                Err(inviting::nobody(services, &needs))
            } else {
                Ok(offers)
            }
        }
    }
}

/// What is locked: the quote's upper price, or what the artist allows if that is more.
async fn budget(record: &JobRecord, quote: &Quote, services: &Services) -> Result<Amount, Problem> {
    // An escrow cannot be empty; on a farm that works for nothing one base unit is locked and comes back.
    let budget = record
        .request
        .settings
        .budget
        .unwrap_or(quote.price_high)
        .max(Amount(1));
    let settlement = &services.settlement;
    let balance = settlement
        .token_balance(settlement.account())
        .await
        .map_err(|error| failed("chain", chain(&error)))?;
    if balance < budget {
        let detail = format!(
            "the job locks {budget} tokens, the account {} holds {balance}; add money (`rayswarm wallet faucet` on a \
             development chain) or lower --samples, --resolution or the number of frames",
            settlement.account()
        );
        return Err(bad_input("balance_too_small", detail));
    }
    Ok(budget)
}

fn view(plan: &Plan, quote: &Quote, budget: Amount, curve: Vec<CurvePoint>) -> QuoteView {
    QuoteView {
        resolution: plan.settings.resolution,
        samples: plan.settings.samples,
        work: quote.work,
        price: quote.price,
        budget,
        price_cap: quote.price_cap,
        time_s: quote.time_ms as f64 / 1e3,
        time_low_s: quote.time_low_ms as f64 / 1e3,
        time_high_s: quote.time_high_ms as f64 / 1e3,
        tasks: quote.tasks,
        frames: plan.frames.len() as u64,
        tiles: plan.tiles.len() as u64,
        slices: plan.slices.len() as u64,
        result_bytes: quote.result_bytes.0,
        providers: u32::try_from(quote.providers).unwrap_or(u32::MAX),
        assumptions: quote.assumptions.iter().map(ToString::to_string).collect(),
        curve,
    }
}

fn quote_problem(error: &QuoteError) -> Problem {
    match error {
        QuoteError::NoProviders => missing("no_providers", chain(error)),
        QuoteError::BudgetTooSmall { .. } => bad_input("budget_too_small", chain(error)),
        QuoteError::DeadlineTooEarly { .. } => bad_input("deadline_too_early", chain(error)),
    }
}

const fn tiles(choice: TileChoice) -> rayswarm_planner::TileChoice {
    match choice {
        TileChoice::Auto => rayswarm_planner::TileChoice::Auto,
        TileChoice::Grid([columns, rows]) => rayswarm_planner::TileChoice::Grid {
            columns: columns.get(),
            rows: rows.get(),
        },
    }
}

const fn slices(choice: SliceChoice) -> rayswarm_planner::SliceChoice {
    match choice {
        SliceChoice::Auto => rayswarm_planner::SliceChoice::Auto,
        SliceChoice::Count(count) => rayswarm_planner::SliceChoice::Count(count.get()),
    }
}

fn expected(offers: &[Offer]) -> ExpectedProviders {
    let mut rates: Vec<u64> = offers.iter().map(|offer| offer.benchmark_milli_wu).collect();
    rates.sort_unstable();
    ExpectedProviders {
        count: u32::try_from(offers.len()).unwrap_or(u32::MAX),
        median_milli_wu_per_second: rates.get(rates.len() / 2).copied().unwrap_or(0),
    }
}

fn channels(analysis: &Analysis) -> u32 {
    let passes: usize = analysis.facts.view_layers.iter().map(|layer| layer.passes.len()).sum();
    CHANNELS_PER_PASS * u32::try_from(passes).unwrap_or(u32::MAX / CHANNELS_PER_PASS).max(1)
}
