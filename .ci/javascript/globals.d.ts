// What the scripts of vendor/ define.
declare var $3Dmol: any;
declare var uPlot: any;
