import ArgumentParser
import Lab

/// The papers of the digest, and what there is of each.
public enum Catalog {
  /// Experiments that `reproduce` runs.
  public static let experiments: [any Experiment] = [
    DataSharingExperiment(), TNTExperiment(), OneStageGANExperiment(), JarzynskiExperiment(), SpectralPCAExperiment(),
    BoundaryElementExperiment(),
  ]

  /// Data sets of all experiments, each once.
  public static var datasets: [DatasetInfo] {
    experiments.flatMap { $0.datasets }.reduce(into: []) { sets, set in
      if !sets.contains(where: { $0.name == set.name }) { sets.append(set) }
    }
  }

  /// Commands of papers on the user's own data, each named as its paper.
  public static var commands: [any ParsableCommand.Type] {
    [
      TNTCommand.self, OneStageGANCommand.self, JarzynskiCommand.self, SpectralCommand.self,
      BoundaryElementCommand.self,
    ]
  }

  /// All papers by number; those with an experiment as the experiment describes them.
  public static let papers: [Paper] = {
    let reproduced = Dictionary(experiments.map { ($0.paper.name, $0.paper) }, uniquingKeysWith: { first, _ in first })
    return digest.map { reproduced[$0.name] ?? $0 }
  }()

  /// The experiment of a paper; nil where there is none yet.
  public static func experiment(named name: String) -> (any Experiment)? {
    experiments.first { $0.paper.name == name }
  }

  /// A paper by its name or number.
  ///
  /// - Throws: `UsageError` with the closest name where there is none.
  public static func paper(named name: String) throws -> Paper {
    if let paper = papers.first(where: { $0.name == name || String($0.number) == name }) { return paper }
    let suggestion = Spelling.suggestion(for: name, among: papers.map(\.name))
    throw UsageError("no paper is named \(name)\(suggestion); ./pinion list names all")
  }
}

extension Paper {
  /// Narratives and Counternarratives on Data Sharing in Africa.
  public static let dataSharing = Paper(
    number: 1, name: "data-sharing", title: "Narratives and Counternarratives on Data Sharing in Africa",
    authors: "Rediet Abebe, Kehinde Aruleba, Abeba Birhane, Sara Kingsley, George Obaido, Sekou L. Remy, "
      + "Swathi Sadagopan", arXiv: "2103.01168", field: "data governance",
    claim: "Power, trust and benefit must be part of how data is shared: each data set here carries a statement that "
      + "can be audited",
    data: "statements of all registered data sets; seven made-up ones",
    minutes: [.quick: 0.05, .standard: 0.05, .full: 0.05])

  /// Transformer in Transformer.
  public static let tnt = Paper(
    number: 3, name: "tnt", title: "Transformer in Transformer",
    authors: "Kai Han, An Xiao, Enhua Wu, Jianyuan Guo, Chunjing Xu, Yunhe Wang", arXiv: "2103.00112", field: "images",
    claim: "81.3 % ImageNet top-1, 1.5 points over DeiT at similar cost",
    data: "Fashion-MNIST (60,000 + 10,000 pictures of 28 x 28), 31 MB, fetched at first use",
    minutes: [.quick: 1, .standard: 10, .full: 120])

  /// Training Generative Adversarial Networks in One Stage.
  public static let oneStageGAN = Paper(
    number: 4, name: "one-stage-gan", title: "Training Generative Adversarial Networks in One Stage",
    authors: "Chengchao Shen, Youtan Yin, Xinchao Wang, Xubin Li, Jie Song, Mingli Song", arXiv: "2103.00430",
    field: "images", claim: "1.5x faster training at equal quality; also data-free distillation",
    data: "Fashion-MNIST (60,000 + 10,000 pictures of 28 x 28), 31 MB, fetched at first use",
    minutes: [.quick: 1, .standard: 10, .full: 120])

  /// Accelerated Jarzynski Estimator with Deterministic Virtual Trajectories.
  public static let jarzynski = Paper(
    number: 21, name: "jarzynski",
    title: "Accelerated Jarzynski Estimator with Deterministic Virtual Trajectories", authors: "Ishida, Hasegawa",
    arXiv: "2103.00529", field: "physics", claim: "Fewer trajectories; zero variance on harmonic potentials",
    data:
      "energies with known partition functions; wine (178 rows) and digits (1,797 pictures of 8 x 8) of scikit-learn, "
      + "10 MB, fetched at first use",
    minutes: [.quick: 0.3, .standard: 5, .full: 20])

  /// The Mathematics Behind Spectral Clustering And The Equivalence To PCA.
  public static let spectralPCA = Paper(
    number: 24, name: "spectral-pca", title: "The Mathematics Behind Spectral Clustering And The Equivalence To PCA",
    authors: "T. Shen", arXiv: "2103.00733", field: "graphs",
    claim: "On a connected graph spectral embedding maximises the covariance between similarities of data and of their "
      + "images; with several components its first eigenvectors are their indicators; either way it's a PCA",
    data:
      "made-up points and graphs; digits, wine, iris and two pictures of scikit-learn (10 MB), Fashion-MNIST (31 MB), "
      + "fetched at first use",
    minutes: [.quick: 0.3, .standard: 5, .full: 5])

  /// High-productivity, high-performance workflow for virus-scale electrostatic simulations with Bempp-Exafmm.
  public static let boundaryElements = Paper(
    number: 26, name: "bem-fmm",
    title: "High-productivity, high-performance workflow for virus-scale electrostatic simulations with Bempp-Exafmm",
    authors: "Tingyu Wang, Christopher D. Cooper, Timo Betcke, Lorena A. Barba", arXiv: "2103.01048", field: "physics",
    claim: "O(N) boundary elements for electrostatics of a virus on a workstation, with 1/N convergence",
    data:
      "spheres; lysozyme, two proteins and a complex of APBS's examples (Debian's apbs-data, 1.5 MB), fetched at first "
      + "use", minutes: [.quick: 0.5, .standard: 8, .full: 60])
}

extension Catalog {
  /// Rows of the digest; authors and arXiv numbers where the digest or a specification gives them.
  private static let digest: [Paper] = [
    .dataSharing,
    Paper(
      number: 2, name: "gansformer", title: "Generative Adversarial Transformers", authors: "Hudson, Zitnick",
      arXiv: "2103.01209", field: "images",
      claim: "Bipartite attention between latents and image: better quality and data efficiency than StyleGAN2, at "
        + "linear cost"),
    .tnt,
    .oneStageGAN,
    Paper(
      number: 5, name: "pmp", title: "Persistent Message Passing", arXiv: "2103.01043", field: "graphs",
      claim: "Generalises to more than 2x larger temporal range queries, where overwriting graph networks fail"),
    Paper(
      number: 6, name: "omninet", title: "OmniNet: Omnidirectional Representations from Transformers",
      arXiv: "2103.01075", field: "transformers",
      claim: "Attention over all layers' tokens improves language modelling, Long Range Arena and vision"),
    Paper(
      number: 7, name: "m6", title: "M6: A Chinese Multimodal Pretrainer", arXiv: "2103.00823", field: "multimodal",
      claim:
        "One model for text, image with text, and generation beats baselines; a mixture of experts takes it to 100B"
    ),
    Paper(
      number: 8, name: "information-content", title: "Computing the Information Content of Trained Neural Networks",
      authors: "Bernstein, Yue", arXiv: "2103.01045", field: "theory",
      claim: "An estimator and a closed-form bound that isn't vacuous and correlates with test error"),
    Paper(
      number: 9, name: "lottery-ticket-gan",
      title: "Ultra-Data-Efficient GAN Training: Drawing A Lottery Ticket First, Then Training It Toughly",
      arXiv: "2103.00397", field: "images", claim: "A sparse ticket with augmentation trains from 100 images"),
    Paper(
      number: 10, name: "neutex", title: "NeuTex: Neural Texture Mapping for Volumetric Neural Rendering",
      arXiv: "2103.00762", field: "3D", claim: "Volume rendering with an editable 2D texture"),
    Paper(
      number: 11, name: "self-debiasing", title: "Self-Diagnosis and Self-Debiasing", arXiv: "2103.00453",
      field: "language",
      claim: "A language model detects and reduces its own bias from a description alone"),
    Paper(
      number: 12, name: "motion-completion", title: "Single-Shot Motion Completion with Transformer",
      arXiv: "2103.00776", field: "motion",
      claim: "Fills in any missing frames in one pass, best on LAFAN1, in real time"),
    Paper(
      number: 13, name: "dynmmsbm", title: "Dynamic Stochastic Blockmodel Regression", field: "networks",
      claim: "Latent groups and covariates explain international conflict over time"),
    Paper(
      number: 14, name: "stance", title: "A survey of stance detection", field: "language",
      claim: "Families of methods compared on one metric"),
    Paper(
      number: 15, name: "caddn",
      title: "Categorical Depth Distribution Network for Monocular 3D Object Detection", arXiv: "2103.01100",
      field: "3D", claim: "First in monocular 3D detection on KITTI"),
    Paper(
      number: 16, name: "abusive-language", title: "Survey of abusive language detection and its pitfalls",
      field: "language", claim: "What data sets and models get wrong, measured"),
    Paper(
      number: 17, name: "gender-typicality",
      title: "Gender typicality of behavior predicts success on creative platforms", field: "social science",
      claim: "Typicality, not only gender, predicts success"),
    Paper(
      number: 18, name: "dp-ftrl", title: "Practical and Private (Deep) Learning without Sampling or Shuffling",
      authors: "Kairouz, McMahan, Song, Thakkar, Thakurta, Xu", arXiv: "2103.00039", field: "privacy",
      claim: "Beats DP-SGD without amplification, close to amplified DP-SGD at larger epsilon"),
    Paper(
      number: 19, name: "animal-id", title: "Review of animal identification", field: "ecology",
      claim: "Learned embeddings re-identify individuals, open set"),
    Paper(
      number: 20, name: "tim", title: "Transformers with Competitive Ensembles of Independent Mechanisms",
      field: "transformers", claim: "Mechanisms specialise; better than one large transformer"),
    .jarzynski,
    Paper(
      number: 22, name: "gct",
      title: "Generative chemical transformer: attention makes neural machine learn molecular geometric structures via "
        + "text", arXiv: "2103.00213", field: "chemistry", claim: "Molecules from target properties, MOSES metrics"),
    Paper(
      number: 23, name: "tactile", title: "Sim-to-Real Transfer for Robotic Manipulation with Tactile Sensory",
      arXiv: "2103.00410", field: "robotics",
      claim: "Tactile feedback lifts door-opening success by 45 points"),
    .spectralPCA,
    Paper(
      number: 25, name: "adaspeech", title: "AdaSpeech: Adaptive Text to Speech for Custom Voice", arXiv: "2103.00993",
      field: "speech", claim: "Custom voice from little data with about 5,000 parameters a speaker"),
    .boundaryElements,
  ]
}
